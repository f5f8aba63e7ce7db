//! `policy simulate`: what changed policies would have answered.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{
    Control, Exit,
    wire::developer::{self as dev, SimulatePoliciesRequest},
};

use super::absolute;
use crate::{
    commands::Outcome,
    output::{Output, Page, Show, Tone, counted, moment, span},
};

/// Replay the ledger's requests under a changed folder, and show what would be answered otherwise
#[derive(Args)]
#[command(after_help = "Example: valetkey policy simulate --folder ./policies --days 7")]
pub(super) struct Simulate {
    /// The folder with the changed policies
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// How far back
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
}

#[derive(Serialize)]
struct View {
    requests: u64,
    skipped: u64,
    differing_total: u64,
    differing: Vec<Differing>,
}

#[derive(Serialize)]
struct Differing {
    request: String,
    at: u64,
    session: String,
    agent: String,
    credential: String,
    scopes: Vec<String>,
    audience: String,
    lifetime_seconds: u64,
    tier: String,
    would_be: String,
    policies: Vec<String>,
}

impl Simulate {
    pub(super) async fn run(self, output: &Output) -> Outcome {
        let request = SimulatePoliciesRequest {
            folder: absolute(&self.folder)?,
            days: self.days,
        };
        let developer = Control::from_env().await?.developer();
        let simulating = developer.simulate(request);
        let simulated = output.waiting("replaying the ledger", simulating).await?;
        output.print(&View {
            requests: simulated.requests,
            skipped: simulated.skipped,
            differing_total: simulated.differing_total,
            differing: simulated
                .differing
                .into_iter()
                .map(Differing::from)
                .collect(),
        })?;
        Ok(Exit::Ok)
    }
}

impl From<dev::Differing> for Differing {
    fn from(one: dev::Differing) -> Self {
        Self {
            request: one.request,
            at: one.at,
            session: one.session,
            agent: one.agent,
            credential: one.credential,
            scopes: one.scopes,
            audience: one.audience,
            lifetime_seconds: one.lifetime_seconds,
            tier: one.tier,
            would_be: one.would_be,
            policies: one.policies,
        }
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        let Self {
            requests, skipped, ..
        } = self;
        let total = self.differing_total;
        page.toned(
            Tone::Strong,
            &format!(
                "{total} of {} would be answered otherwise.",
                counted(*requests, "request")
            ),
        );
        if *skipped > 0 {
            page.toned(
                Tone::Care,
                &format!("{skipped} could not be asked again: what they asked for, or their session, is not known any more."),
            );
        }
        if self.differing.is_empty() {
            return;
        }
        let rows = self.differing.iter().map(|one| {
            let tone = match one.would_be.as_str() {
                "deny" => Tone::Bad,
                _ => Tone::Plain,
            };
            let cells = [
                moment(one.at),
                one.agent.clone(),
                one.credential.clone(),
                one.scopes.join(" "),
                one.audience.clone(),
                span(one.lifetime_seconds),
                format!("{} -> {}", one.tier, one.would_be),
                one.policies.join(" "),
            ];
            (tone, cells)
        });
        page.table(
            [
                "at",
                "agent",
                "credential",
                "scopes",
                "audience",
                "for",
                "tier",
                "decided by",
            ],
            rows.collect(),
        );
        let listed = self.differing.len() as u64;
        if total > listed {
            let are = if listed == 1 { "is" } else { "are" };
            page.toned(Tone::Dim, &format!("The newest {listed} {are} shown."));
        }
    }
}
