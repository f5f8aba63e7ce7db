//! `approvals withdraw`: an agent takes its own question back.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Agent, Exit};

use crate::{
    commands::Outcome,
    output::{Output, Page, Show},
};

/// Take back a question that this session put; for agents
///
/// Through the session's socket, VALETKEY_SOCKET. The id stands in the refusal that put the question.
#[derive(Args)]
#[command(after_help = "Example: valetkey approvals withdraw ID")]
pub(super) struct Withdraw {
    /// Its whole id
    id: String,
}

#[derive(Serialize)]
struct Withdrawn {
    id: String,
    withdrawn: bool,
}

impl Withdraw {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        Agent::from_env().await?.withdraw(&self.id).await?;
        output.print(&Withdrawn {
            id: self.id,
            withdrawn: true,
        })?;
        Ok(Exit::Ok)
    }
}

impl Show for Withdrawn {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Question {} is taken back.", self.id));
    }
}
