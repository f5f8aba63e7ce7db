//! `valetkey admin`: what an admin may do, with the authority of an account's groups.

use clap::{Args, Subcommand};
use serde::Serialize;
use valetkey_sdk::{
    Code, Control, Error, Exit,
    wire::admin::{self as wire, revoke_request::Target as Wire},
};

use super::{
    Outcome,
    find::SESSION,
    view::{left, name, tone},
};
use crate::{
    args::ACCOUNT,
    failure::Failure,
    output::{Output, Page, Show, Tone, counted, moment},
};

/// See and take back sessions of everybody, and lock the machine, as an admin
///
/// The authority is that of an account whose groups map to admin, not of the machine's owner.
#[derive(Args)]
pub(crate) struct Admin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List live sessions of every account
    #[command(after_help = "Example: valetkey admin sessions --account boss")]
    Sessions {
        /// Also those that are over, at most this many
        #[arg(long, value_name = "N")]
        recent: Option<u32>,
        /// The account whose groups carry the authority
        #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
        account: String,
    },
    Revoke(Revoke),
    /// Lock this machine: no session is given anything, and its owner cannot lift it
    #[command(after_help = "Example: valetkey admin lock --reason 'incident 7' --account boss")]
    Lock {
        /// Why; the ledger keeps it and the developer sees it
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// The account whose groups carry the authority
        #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
        account: String,
    },
    /// Lift the admins' lock; the owner's stays
    #[command(after_help = "Example: valetkey admin unlock --account boss")]
    Unlock {
        /// The account whose groups carry the authority
        #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
        account: String,
    },
}

/// Take sessions back: when this returns they get no more tokens
#[derive(Args)]
#[command(
    after_help = "Example: valetkey admin revoke --session ID --reason 'odd requests' --account boss"
)]
struct Revoke {
    #[command(flatten)]
    target: Target,
    /// Why; the ledger keeps it and the developer sees it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The account whose groups carry the authority
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
    /// Do not ask before revoking everything
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// This session: its id, or at least six digits of its beginning or end
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Every session of this user: a subject or a display name
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Every session of agents with this name
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Every session
    #[arg(long)]
    all: bool,
}

impl Target {
    /// In words, where it names somebody: who has no session may be misspelt.
    fn whose(&self) -> Option<String> {
        let user = self.user.as_ref().map(|user| format!("user `{user}`"));
        user.or_else(|| {
            self.agent
                .as_ref()
                .map(|agent| format!("agents named `{agent}`"))
        })
    }
}

impl From<Target> for Wire {
    fn from(target: Target) -> Self {
        match target {
            Target {
                session: Some(id), ..
            } => Self::Session(id),
            Target {
                user: Some(user), ..
            } => Self::User(user),
            Target {
                agent: Some(agent), ..
            } => Self::Agent(agent),
            Target { all, .. } => Self::All(all),
        }
    }
}

#[derive(Serialize)]
struct Session {
    id: String,
    issuer: String,
    subject: String,
    display: String,
    agent: String,
    workspace: Option<String>,
    state: String,
    started_at: u64,
    expires_at: u64,
}

#[derive(Serialize)]
struct List {
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct AdminLock {
    admin_lock: bool,
}

#[derive(Serialize)]
struct Report {
    elapsed_microseconds: u64,
    sessions: Vec<Revoked>,
}

#[derive(Serialize)]
struct Revoked {
    session: Option<Session>,
    connections_cut: u64,
    tokens_outstanding: u64,
    outstanding_until: Option<u64>,
    not_durable: Option<String>,
}

impl Admin {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        match self.action {
            Action::Sessions { recent, account } => {
                let control = Control::from_env().await?;
                let sessions = output
                    .waiting("asking the broker", control.sessions(&account, recent))
                    .await?;
                let sessions = sessions.into_iter().map(Session::from).collect();
                output.print(&List { sessions })?;
                Ok(Exit::Ok)
            }
            Action::Lock { reason, account } => {
                let control = Control::from_env().await?;
                let locking = control.lock(&account, &reason);
                output.waiting("locking", locking).await?;
                output.print(&AdminLock { admin_lock: true })?;
                Ok(Exit::Ok)
            }
            Action::Unlock { account } => {
                let control = Control::from_env().await?;
                let unlocking = control.unlock(&account);
                output.waiting("unlocking", unlocking).await?;
                output.print(&AdminLock { admin_lock: false })?;
                Ok(Exit::Ok)
            }
            Action::Revoke(revoke) => revoke.run(output).await,
        }
    }
}

impl Revoke {
    async fn run(self, output: &Output) -> Outcome {
        if self.reason.trim().is_empty() {
            return Err(Failure::usage(
                "the reason is empty",
                "say with `--reason` why, for whoever reads the ledger",
            ));
        }
        let control = Control::from_env().await?;
        if self.target.all && !self.yes && !output.confirm("Revoke every live session?")? {
            return Err(Failure::usage(
                "nothing was revoked",
                "answer `yes`, or pass `--yes`",
            ));
        }
        let mut target = self.target;
        if let Some(part) = target.session.take() {
            let live = control.sessions(&self.account, None);
            target.session = Some(SESSION.id(part, live, |one| &one.id).await?);
        }
        let whose = target.whose();
        let revoke = control.revoke(&self.account, target.into(), &self.reason);
        let report = output.waiting("revoking", revoke).await?;
        if let (Some(whose), []) = (whose, report.sessions.as_slice()) {
            let error = Error::new(
                Code::UnknownSession,
                format!("no session of {whose} is live"),
            );
            return Err(error
                .with_next_step("`valetkey admin sessions` shows which are")
                .into());
        }
        let sessions = report.sessions.into_iter().map(|revoked| Revoked {
            session: revoked.session.map(Session::from),
            connections_cut: revoked.connections_cut,
            tokens_outstanding: revoked.tokens_outstanding,
            outstanding_until: revoked.outstanding_until,
            not_durable: revoked.not_durable,
        });
        output.print(&Report {
            elapsed_microseconds: report.elapsed_microseconds,
            sessions: sessions.collect(),
        })?;
        Ok(Exit::Ok)
    }
}

impl From<wire::Session> for Session {
    fn from(session: wire::Session) -> Self {
        Self {
            id: session.id,
            issuer: session.issuer,
            subject: session.subject,
            display: session.display,
            agent: session.agent,
            workspace: session.workspace,
            state: session.state,
            started_at: session.started_at,
            expires_at: session.expires_at,
        }
    }
}

impl Session {
    fn user(&self) -> &str {
        name(&self.display, &self.subject)
    }
}

impl Show for List {
    fn show(&self, page: &mut Page) {
        if self.sessions.is_empty() {
            return page.line("No sessions are live.");
        }
        let rows = self.sessions.iter().map(|session| {
            let cells = [
                session.id.clone(),
                session.agent.clone(),
                session.user().to_owned(),
                session.state.clone(),
                left(&session.state, session.expires_at),
            ];
            (tone(&session.state), cells)
        });
        page.table(["id", "agent", "user", "state", "ends in"], rows.collect());
    }
}

impl Show for AdminLock {
    fn show(&self, page: &mut Page) {
        page.toned(
            Tone::Strong,
            if self.admin_lock {
                "This machine is locked by the admins. Lift it: valetkey admin unlock --account NAME"
            } else {
                "The admins hold no lock on this machine any more."
            },
        );
    }
}

impl Show for Report {
    fn show(&self, page: &mut Page) {
        let cut: u64 = self
            .sessions
            .iter()
            .map(|revoked| revoked.connections_cut)
            .sum();
        let micros = self.elapsed_microseconds;
        page.toned(
            Tone::Strong,
            &format!(
                "Revoked {} and cut {} in {}.{:03} ms.",
                counted(self.sessions.len() as u64, "session"),
                counted(cut, "connection"),
                micros / 1000,
                micros % 1000,
            ),
        );
        if self.sessions.is_empty() {
            return;
        }
        let rows = self.sessions.iter().map(Revoked::row);
        page.table(
            [
                "id",
                "agent",
                "user",
                "cut",
                "tokens still accepted",
                "until",
                "durable",
            ],
            rows.collect(),
        );
    }
}

impl Revoked {
    fn row(&self) -> (Tone, [String; 7]) {
        let session = self.session.as_ref();
        let of = |part: fn(&Session) -> &str| session.map_or("unknown", part).to_owned();
        let tone = if self.not_durable.is_some() {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let cells = [
            of(|session| &session.id),
            of(|session| &session.agent),
            of(Session::user),
            self.connections_cut.to_string(),
            self.tokens_outstanding.to_string(),
            self.outstanding_until
                .map_or_else(|| "-".to_owned(), moment),
            self.not_durable
                .as_ref()
                .map_or_else(|| "yes".to_owned(), |problem| format!("no: {problem}")),
        ];
        (tone, cells)
    }
}
