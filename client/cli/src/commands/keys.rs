//! `valetkey keys`: the keys that the broker signs with.

use clap::{Args, Subcommand};
use serde::Serialize;
use valetkey_sdk::{Control, Exit, wire::developer as dev};

use super::Outcome;
use crate::output::{Output, Page, Show, Tone, moment};

/// See and rotate the keys that the broker signs tokens with
#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the published keys
    #[command(after_help = "Example: valetkey keys list")]
    List,
    /// Make new keys; the earlier ones stay published until their last token has ended
    #[command(after_help = "Example: valetkey keys rotate")]
    Rotate,
}

#[derive(Serialize)]
struct View {
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    kid: String,
    algorithm: String,
    retires_at: Option<u64>,
}

impl From<dev::Key> for Key {
    fn from(key: dev::Key) -> Self {
        Self {
            kid: key.kid,
            algorithm: key.algorithm,
            retires_at: key.retires_at,
        }
    }
}

impl Keys {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let keys = match self.action {
            Action::List => developer.keys().await?,
            Action::Rotate => {
                output
                    .waiting("writing to the keyring", developer.rotate_keys())
                    .await?
            }
        };
        let keys = keys.into_iter().map(Key::from).collect();
        output.print(&View { keys })?;
        Ok(Exit::Ok)
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        if self.keys.is_empty() {
            return page.line("There are no keys yet; the first token makes one.");
        }
        let rows = self.keys.iter().map(|key| {
            let use_ = key.retires_at.map_or_else(
                || "signs now".to_owned(),
                |end| format!("published until {}", moment(end)),
            );
            (Tone::Plain, [key.kid.clone(), key.algorithm.clone(), use_])
        });
        page.table(["kid", "algorithm", "use"], rows.collect());
    }
}
