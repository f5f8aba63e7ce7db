//! `valetkey policy`: the rules.

use clap::{Args, Subcommand};
use serde::Serialize;
use valetkey_sdk::{Control, Exit};

use super::Outcome;
use crate::output::{Output, Page, Show, Tone};

/// Manage the policies
#[derive(Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Read the policy files again; the earlier ones stay in force where these are not valid
    #[command(after_help = "Example: valetkey policy reload")]
    Reload,
}

#[derive(Serialize)]
struct Reloaded {
    policies: u64,
    digest: String,
}

impl Policy {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let Action::Reload = self.action;
        let developer = Control::from_env().await?.developer();
        let reloaded = output
            .waiting("reading the policies", developer.reload_policies())
            .await?;
        output.print(&Reloaded {
            policies: reloaded.policies,
            digest: reloaded.digest,
        })?;
        Ok(Exit::Ok)
    }
}

impl Show for Reloaded {
    fn show(&self, page: &mut Page) {
        page.line(&format!("{} policies are in force.", self.policies));
        page.toned(Tone::Dim, &format!("digest {}", self.digest));
    }
}
