//! `valetkey logout`: the end of a login.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit};

use super::Outcome;
use crate::{
    args::ACCOUNT,
    output::{Output, Page, Show, Tone},
};

/// Revoke a login at the provider and wipe it from the keyring; its sessions are suspended
#[derive(Args)]
#[command(after_help = "Example: valetkey logout --account work")]
pub(crate) struct Logout {
    /// Which of several logins
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
}

#[derive(Serialize)]
struct View {
    account: String,
    provider_problem: Option<String>,
}

impl Logout {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let provider_problem = output
            .waiting(
                "revoking at the identity provider",
                developer.logout(&self.account),
            )
            .await?;
        output.print(&View {
            account: self.account,
            provider_problem,
        })?;
        Ok(Exit::Ok)
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Logged out (account {}).", self.account));
        if let Some(problem) = &self.provider_problem {
            page.toned(
                Tone::Care,
                &format!("The provider did not confirm the revocation: {problem}"),
            );
        }
    }
}
