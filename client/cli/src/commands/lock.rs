//! `valetkey lock` and `valetkey unlock`: everything stops, and goes on.

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Control, Exit, wire::developer as dev};

use super::Outcome;
use crate::output::{Output, Page, Show, Tone, moment};

/// Lock this machine: no session is given anything until it is unlocked
///
/// Tokens that were given before live on until they end; `valetkey admin revoke` or `valetkey session
/// end` takes their sessions back.
#[derive(Args)]
#[command(after_help = "Example: valetkey lock --reason 'away'")]
pub(crate) struct Lock {
    /// Why, for the people who read the ledger
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Lift your lock; one that an admin holds stays
#[derive(Args)]
#[command(
    after_help = "Exit status 3 where an admin's lock is still held.\nExample: valetkey unlock"
)]
pub(crate) struct Unlock {}

/// A lock that is held.
#[derive(Serialize)]
pub(crate) struct Held {
    pub(crate) holder: String,
    pub(crate) by: Option<String>,
    pub(crate) reason: String,
    pub(crate) since: u64,
}

#[derive(Serialize)]
struct Locked {
    locked: bool,
}

#[derive(Serialize)]
struct Unlocked {
    locked: bool,
    admin: Option<Held>,
}

impl Lock {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        output
            .waiting("locking", developer.lock(&self.reason))
            .await?;
        output.print(&Locked { locked: true })?;
        Ok(Exit::Ok)
    }
}

impl Unlock {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        let admin = output.waiting("unlocking", developer.unlock()).await?;
        let view = Unlocked {
            locked: admin.is_some(),
            admin: admin.map(Held::from),
        };
        output.print(&view)?;
        Ok(if view.locked { Exit::Denied } else { Exit::Ok })
    }
}

impl From<dev::HeldLock> for Held {
    fn from(lock: dev::HeldLock) -> Self {
        Self {
            holder: lock.holder,
            by: lock.by,
            reason: lock.reason,
            since: lock.since,
        }
    }
}

impl Held {
    /// Who holds it, since when and why.
    pub(crate) fn words(&self) -> String {
        let by = match (self.holder.as_str(), self.by.as_deref()) {
            ("admin", Some(by)) => format!("an admin ({by})"),
            ("admin", None) => "an admin".to_owned(),
            ("owner", _) => "its owner".to_owned(),
            (holder, _) => holder.to_owned(),
        };
        let why = match self.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        format!("locked by {by} since {}{why}", moment(self.since))
    }
}

impl Show for Locked {
    fn show(&self, page: &mut Page) {
        page.toned(
            Tone::Strong,
            "This machine is locked: no session is given anything. Lift it: valetkey unlock",
        );
    }
}

impl Show for Unlocked {
    fn show(&self, page: &mut Page) {
        match &self.admin {
            None => page.toned(Tone::Good, "This machine is unlocked."),
            Some(held) => {
                page.toned(
                    Tone::Care,
                    &format!(
                        "Your lock is lifted, but this machine is still {}.",
                        held.words()
                    ),
                );
                page.line("Only an admin lifts that: valetkey admin unlock --account NAME");
            }
        }
    }
}
