//! `policy reload`: the files are read again.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit};

use super::policies;
use crate::{
    commands::Outcome,
    output::{Output, Page, Show, Tone},
};

/// Read the policy files again; the earlier ones stay in force where these are not valid
#[derive(Args)]
#[command(after_help = "Example: valetkey policy reload")]
pub(super) struct Reload {}

#[derive(Serialize)]
struct Reloaded {
    policies: u64,
    digest: String,
}

impl Reload {
    pub(super) async fn run(self, output: &Output) -> Outcome {
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
        page.line(&format!("{} in force.", policies(self.policies)));
        page.toned(Tone::Dim, &format!("digest {}", self.digest));
    }
}
