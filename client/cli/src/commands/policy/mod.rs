//! `valetkey policy`: the rules.

mod check;
mod explain;
mod reload;
mod simulate;

use std::path::{self, Path};

use clap::{Args, Subcommand};

use self::{check::Check, explain::Explain, reload::Reload, simulate::Simulate};
use super::Outcome;
use crate::{failure::Failure, output::Output};

/// Explain, try, check and reload the policies
#[derive(Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Explain(Box<Explain>),
    Simulate(Simulate),
    #[command(visible_alias = "test")]
    Check(Check),
    Reload(Reload),
}

impl Policy {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        match self.action {
            Action::Explain(explain) => explain.run(output).await,
            Action::Simulate(simulate) => simulate.run(output).await,
            Action::Check(check) => check.run(output).await,
            Action::Reload(reload) => reload.run(output).await,
        }
    }
}

/// A path as the broker can use it, which works in another folder.
fn absolute(path: &Path) -> Result<String, Failure> {
    let unusable = |why: &str| {
        Failure::usage(
            format!(
                "`{}` is no path that can be passed on: {why}",
                path.display()
            ),
            "name a folder",
        )
    };
    let whole = path::absolute(path).map_err(|error| unusable(&error.to_string()))?;
    whole
        .into_os_string()
        .into_string()
        .map_err(|_| unusable("it is not UTF-8"))
}

/// How a tier is meant.
fn meaning(tier: &str) -> &'static str {
    match tier {
        "auto" => "granted at once",
        "review" => "an automatic reviewer may grant it, or a person",
        "human" => "a person has to grant it",
        "deny" => "refused",
        _ => "unknown to this client",
    }
}
