//! `valetkey status`: who is logged in, and what is going on.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit, wire::developer as dev};

use super::{Outcome, lock::Held, view::User};
use crate::output::{Output, Page, Show, Tone, counted, moment, remaining};

/// Show who is logged in, what is live, what is locked and what waits for an answer
#[derive(Args)]
#[command(after_help = "Example: valetkey status --json")]
pub(crate) struct Status {}

#[derive(Serialize)]
struct View {
    version: String,
    token_issuer: String,
    live_sessions: u64,
    accounts: Vec<Account>,
    locks: Vec<Held>,
    open_approvals: u64,
    requirements: Vec<String>,
}

#[derive(Serialize)]
struct Account {
    account: String,
    user: Option<User>,
    confirmed_at: u64,
    renews_at: u64,
    problem: Option<String>,
}

impl From<dev::Account> for Account {
    fn from(account: dev::Account) -> Self {
        Self {
            account: account.account,
            user: account.user.map(User::from),
            confirmed_at: account.confirmed_at,
            renews_at: account.renews_at,
            problem: account.problem,
        }
    }
}

impl Status {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let status = output
            .waiting("asking the broker", developer.status())
            .await?;
        output.print(&View {
            version: status.version,
            token_issuer: status.token_issuer,
            live_sessions: status.live_sessions,
            accounts: status.accounts.into_iter().map(Account::from).collect(),
            locks: status.locks.into_iter().map(Held::from).collect(),
            open_approvals: status.open_approvals,
            requirements: status.requirements,
        })?;
        Ok(Exit::Ok)
    }
}

impl Show for View {
    fn show(&self, page: &mut Page) {
        page.line(&format!(
            "valetkeyd {}, {}, tokens of {}",
            self.version,
            counted(self.live_sessions, "live session"),
            self.token_issuer
        ));
        for lock in &self.locks {
            page.toned(Tone::Bad, &format!("This machine is {}.", lock.words()));
        }
        match self.open_approvals {
            0 => {}
            1 => page.toned(
                Tone::Care,
                "1 question waits for a person: valetkey approvals",
            ),
            open => page.toned(
                Tone::Care,
                &format!("{open} questions wait for a person: valetkey approvals"),
            ),
        }
        for requirement in &self.requirements {
            page.toned(Tone::Dim, &format!("required: {requirement}"));
        }
        if self.accounts.is_empty() {
            return page.line("Nobody is logged in. Log in: valetkey login");
        }
        let rows = self.accounts.iter().map(|account| {
            let user = account.user.as_ref();
            let tone = match account.problem {
                Some(_) => Tone::Bad,
                None => Tone::Plain,
            };
            let cells = [
                account.account.clone(),
                user.map_or("unknown", User::name).to_owned(),
                user.map_or_else(String::new, |user| user.groups.join(" ")),
                moment(account.confirmed_at),
                remaining(account.renews_at),
                account.problem.clone().unwrap_or_else(|| "none".to_owned()),
            ];
            (tone, cells)
        });
        page.table(
            [
                "account",
                "user",
                "groups",
                "confirmed",
                "renews in",
                "problem",
            ],
            rows.collect(),
        );
    }
}
