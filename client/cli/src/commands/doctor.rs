//! `valetkey doctor`: what is well and what is not.

use clap::Args;
use serde::Serialize;
use valetkey_sandbox::Health;
use valetkey_sdk::{Control, Exit};

use super::Outcome;
use crate::{
    failure::Failure,
    output::{Output, Page, Show, Tone},
};

/// Look at keyring, logins, policies, ledger, host and sandbox; exit status 1 when something is ill
#[derive(Args)]
#[command(after_help = "Example: valetkey doctor")]
pub(crate) struct Doctor {}

#[derive(Serialize)]
struct View {
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    name: String,
    health: String,
    text: String,
    next_step: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let brokers = output.waiting("looking", developer.doctor()).await?;
        // It starts programs and waits for them.
        let rooms = output.waiting(
            "looking",
            tokio::task::spawn_blocking(valetkey_sandbox::findings),
        );
        let rooms = rooms.await.map_err(|error| {
            Failure::local(format!("the sandbox could not be looked at: {error}"))
        })?;
        let brokers = brokers.into_iter().map(|finding| Finding {
            name: finding.name,
            health: finding.health,
            text: finding.text,
            next_step: finding.next_step,
        });
        let view = View {
            findings: brokers.chain(rooms.into_iter().map(of_rooms)).collect(),
        };
        output.print(&view)?;
        Ok(view.verdict())
    }
}

/// A machine on which no agent can be run in a sandbox is not ill: all else works.
fn of_rooms(finding: valetkey_sandbox::Finding) -> Finding {
    let health = match finding.health {
        Health::Good => "well",
        Health::Care | Health::Bad => "care",
    };
    Finding {
        name: format!("sandbox: {}", finding.name),
        health: health.to_owned(),
        text: finding.text,
        next_step: finding.next,
    }
}

impl View {
    /// A word that this client does not know is not taken for health.
    fn verdict(&self) -> Exit {
        let fine = |finding: &Finding| matches!(finding.health.as_str(), "well" | "care");
        if self.findings.iter().all(fine) {
            Exit::Ok
        } else {
            Exit::Failure
        }
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        let width = self
            .findings
            .iter()
            .map(|finding| finding.name.len())
            .max()
            .unwrap_or(0);
        for Finding {
            name,
            health,
            text,
            next_step,
        } in &self.findings
        {
            let tone = match health.as_str() {
                "well" => Tone::Good,
                "care" => Tone::Care,
                _ => Tone::Bad,
            };
            page.toned(tone, &format!("{health:4}  {name:width$}  {text}"));
            if let Some(step) = next_step {
                page.line(&format!("{:4}  {:width$}  next: {step}", "", ""));
            }
        }
    }
}
