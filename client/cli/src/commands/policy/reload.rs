//! `policy reload`: the files are read again.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit};

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
    origin: String,
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
            origin: reloaded.origin,
            digest: reloaded.digest,
        })?;
        Ok(Exit::Ok)
    }
}

impl Show for Reloaded {
    fn show(&self, page: &mut Page) {
        let Self {
            policies, origin, ..
        } = self;
        let policies = match policies {
            1 => format!("1 policy of {origin} is"),
            _ => format!("{policies} policies of {origin} are"),
        };
        page.line(&format!("{policies} in force."));
        page.toned(Tone::Dim, &format!("digest {}", self.digest));
    }
}
