//! `valetkey doctor`: what is well and what is not.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit};

use super::Outcome;
use crate::output::{Output, Page, Show, Tone};

/// Look at keyring, logins, policies, ledger and host; exit status 1 when something is ill
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
        let findings = output.waiting("looking", developer.doctor()).await?;
        let findings = findings.into_iter().map(|finding| Finding {
            name: finding.name,
            health: finding.health,
            text: finding.text,
            next_step: finding.next_step,
        });
        let view = View {
            findings: findings.collect(),
        };
        output.print(&view)?;
        Ok(view.verdict())
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
