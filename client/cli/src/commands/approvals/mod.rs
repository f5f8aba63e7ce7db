//! `valetkey approvals`: questions of agents, and answers.

mod answer;
mod view;
mod watch;
mod withdraw;

use clap::{Args, Subcommand};
use valetkey_sdk::{Control, Exit};

use self::{
    answer::{Approve, Deny, Forget},
    view::{Approval, List},
    watch::Watch,
    withdraw::Withdraw,
};
use super::Outcome;
use crate::{args::ACCOUNT, output::Output};

/// See what agents ask for, and answer; without an action it lists
///
/// A request that the policies let pass only with an approval puts a question. Ids may be cut to at
/// least 6 digits from their beginning or their end.
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example: valetkey approvals watch"
)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: Account,
}

#[derive(Subcommand)]
enum Action {
    /// List questions, answers that stand, and what became of the rest
    #[command(after_help = "Example: valetkey approvals list --json")]
    List(Account),
    Watch(Watch),
    Approve(Approve),
    Deny(Deny),
    Forget(Forget),
    Withdraw(Withdraw),
}

#[derive(Args)]
struct Account {
    /// The account that looks
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
}

impl Approvals {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(Account { account }) => list(&account, output).await,
            Action::Watch(watch) => watch.run(output).await,
            Action::Approve(approve) => approve.run(output).await,
            Action::Deny(deny) => deny.run(output).await,
            Action::Forget(forget) => forget.run(output).await,
            Action::Withdraw(withdraw) => withdraw.run(output).await,
        }
    }
}

async fn list(account: &str, output: &Output) -> Outcome {
    let developer = Control::from_env().await?.developer();
    let approvals = output
        .waiting("asking the broker", developer.approvals(account))
        .await?;
    let approvals = approvals.into_iter().map(Approval::from).collect();
    output.print(&List::new(approvals))?;
    Ok(Exit::Ok)
}
