//! `valetkey grants`: what the session may ask for.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Agent, Exit, wire::agent};

use super::Outcome;
use crate::output::{Output, Page, Show, Tone, span};

/// List what this session may ask for just now
///
/// Scopes are granted at once; reviewed ones may be granted by an automatic reviewer, the others need a
/// person.
#[derive(Args)]
#[command(after_help = "Example: valetkey grants --json")]
pub(crate) struct Grants {}

#[derive(Serialize)]
struct View {
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct Grant {
    credential: String,
    scopes: Vec<String>,
    reviewed_scopes: Vec<String>,
    approved_scopes: Vec<String>,
    audiences: Vec<String>,
    max_lifetime_seconds: u64,
    /// It is put into requests by the session's proxy and never given.
    injected: bool,
}

impl From<agent::Grant> for Grant {
    fn from(grant: agent::Grant) -> Self {
        Self {
            credential: grant.credential,
            scopes: grant.scopes,
            reviewed_scopes: grant.reviewed_scopes,
            approved_scopes: grant.approved_scopes,
            audiences: grant.audiences,
            max_lifetime_seconds: grant.max_lifetime_seconds,
            injected: grant.injected,
        }
    }
}

impl Grants {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let grants = Agent::from_env().await?.grants().await?;
        let grants = grants.into_iter().map(Grant::from).collect();
        output.print(&View { grants })?;
        Ok(Exit::Ok)
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        if self.grants.is_empty() {
            page.line("This session may ask for nothing: the policies give its user and their groups no scope of any credential.");
            return page.line(
                "Why, says the developer's `valetkey policy explain --credential NAME --scope SCOPE --session ID`.",
            );
        }
        let rows = self.grants.iter().map(|grant| {
            let cells = [
                grant.credential.clone(),
                list(&grant.scopes),
                list(&grant.reviewed_scopes),
                list(&grant.approved_scopes),
                grant.audiences.join(" "),
                span(grant.max_lifetime_seconds),
                how(grant.injected),
            ];
            (Tone::Plain, cells)
        });
        page.table(
            [
                "credential",
                "scopes",
                "reviewed",
                "needs a person",
                "audiences",
                "longest",
                "given as",
            ],
            rows.collect(),
        );
    }
}

fn how(injected: bool) -> String {
    let how = if injected {
        "put into requests"
    } else {
        "token"
    };
    how.to_owned()
}

fn list(scopes: &[String]) -> String {
    match scopes {
        [] => "-".to_owned(),
        scopes => scopes.join(" "),
    }
}
