//! `valetkey session`: sessions of agents.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use ring::digest::{Context, SHA256};
use serde::Serialize;
use valetkey_sdk::{Agent, Code, Control, Developer, Exit, wire::developer as dev};

use super::{
    Outcome,
    find::SESSION,
    view::{OwnSession, Session as View, Sessions},
};
use crate::{
    args::ACCOUNT,
    failure::Failure,
    lifetime,
    output::{Output, Page, Show, Tone, remaining},
};

/// Start, list, show, resume and end sessions of agents
#[derive(Args)]
pub(crate) struct Session {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Start(Start),
    /// List live sessions
    #[command(after_help = "Example: valetkey session list --recent 20")]
    List {
        /// Also those that are over, at most this many
        #[arg(long, value_name = "N")]
        recent: Option<u32>,
    },
    /// Show one session and its live tokens; without ID the one that this runs in
    #[command(after_help = "Example: valetkey session show ID --json")]
    Show {
        /// Its id, or at least six digits of its beginning or end
        id: Option<String>,
    },
    /// Wake a session that is held because of what its agent did
    ///
    /// A session is held when it asks people too often, or when a reviewer refuses it again and again.
    #[command(after_help = "Example: valetkey session resume ID")]
    Resume {
        /// Its id, or at least six digits of its beginning or end
        id: String,
    },
    /// End a session at once
    #[command(after_help = "Example: valetkey session end ID")]
    End {
        /// Its id, or at least six digits of its beginning or end
        id: String,
    },
}

/// Start a session and print how to reach it
///
/// The session has a socket of its own. Whatever can open it speaks for the session, so give it to
/// the agent's sandbox and to nothing else.
#[derive(Args)]
#[command(
    after_help = "Example: valetkey session start --agent coder --ttl 2h\n\
    For scripts: VALETKEY_SOCKET=$(valetkey session start --agent coder --json | jq -r .socket)"
)]
struct Start {
    /// What kind of agent it is for
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// The login whose authority it is lent
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
    /// The folder that it works in, for people to read
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// How long it lives: 90s, 10m, 8h, 1d
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    ttl: Option<Duration>,
    /// The one program that may ask; recognised by its SHA-256 as it is now
    #[arg(long, value_name = "PATH")]
    pin_executable: Option<PathBuf>,
    /// The cgroup that whoever asks has to be in or below
    #[arg(long, value_name = "PATH")]
    pin_cgroup: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Started(View);

#[derive(Serialize)]
#[serde(transparent)]
struct Changed(View);

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    session: View,
    leases: Vec<Lease>,
}

#[derive(Serialize)]
struct Lease {
    id: String,
    credential: String,
    scopes: Vec<String>,
    audience: String,
    expires_at: u64,
}

impl Session {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let connect = async || Control::from_env().await.map(|control| control.developer());
        match self.action {
            Action::Start(start) => start.run(output).await?,
            Action::List { recent } => {
                let sessions = connect().await?.sessions(recent).await?;
                let sessions = sessions.into_iter().map(View::from).collect();
                output.print(&Sessions { sessions })?;
            }
            Action::Show { id: None } => {
                let agent = Agent::from_env().await.map_err(|error| match error.code {
                    Code::InvalidRequest => {
                        error.with_next_step("name a session: `valetkey session list` shows them")
                    }
                    _ => error,
                });
                let session = agent?.session().await?;
                output.print(&OwnSession::from(session))?;
            }
            Action::Show { id: Some(id) } => {
                let developer = connect().await?;
                let id = meant(&developer, id, Some(OVER)).await?;
                show(&developer, &id, output).await?;
            }
            Action::Resume { id } => {
                let developer = connect().await?;
                let id = meant(&developer, id, None).await?;
                output.print(&Changed(developer.resume_session(&id).await?.into()))?;
            }
            Action::End { id } => {
                let developer = connect().await?;
                let id = meant(&developer, id, None).await?;
                output.print(&Changed(developer.end_session(&id).await?.into()))?;
            }
        }
        Ok(Exit::Ok)
    }
}

impl Start {
    async fn run(self, output: &Output) -> Result<(), Failure> {
        let pin = self.pin_executable.as_deref().map(digest).transpose()?;
        let request = dev::StartSessionRequest {
            account: self.account,
            agent: self.agent,
            workspace: self
                .workspace
                .map(|path| path.to_string_lossy().into_owned()),
            lifetime_seconds: self
                .ttl
                .map(|ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
            pin_executable_sha256: pin,
            pin_cgroup: self.pin_cgroup,
            sandbox: None,
        };
        let developer = Control::from_env().await?.developer();
        let session = output
            .waiting("starting the session", developer.start_session(request))
            .await?;
        let until = session.expires_at;
        output.print(&Started(session.into()))?;
        output.remark_if_cut(self.ttl, Some(until));
        Ok(())
    }
}

/// Among this many sessions that are over one is looked for by a part of its id.
const OVER: u32 = 100;

/// The whole id of a session of which a part is given.
async fn meant(developer: &Developer, id: String, recent: Option<u32>) -> Result<String, Failure> {
    SESSION
        .id(id, developer.sessions(recent), |one| &one.id)
        .await
}

async fn show(developer: &Developer, id: &str, output: &Output) -> Result<(), Failure> {
    let (session, leases) = developer.session(id).await?;
    let leases = leases.into_iter().map(|lease| Lease {
        id: lease.id,
        credential: lease.credential,
        scopes: lease.scopes,
        audience: lease.audience,
        expires_at: lease.expires_at,
    });
    output.print(&Shown {
        session: session.into(),
        leases: leases.collect(),
    })
}

/// SHA-256 of a file, in hexadecimal.
fn digest(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(
            format!("`{}` cannot be read: {error}", path.display()),
            "name the program by its path",
        )
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = file.read(&mut buffer).map_err(unreadable)?;
        match buffer.get(..length) {
            Some([]) | None => break,
            Some(bytes) => context.update(bytes),
        }
    }
    let digest = context.finish();
    Ok(digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

impl Show for Started {
    fn show(&self, page: &mut Page) {
        let Self(session) = self;
        page.toned(
            Tone::Good,
            &format!(
                "Session {} for agent `{}` ends in {}. Its agent reaches it with:",
                session.id,
                session.agent,
                remaining(session.expires_at)
            ),
        );
        if let Some(socket) = &session.socket {
            page.export("VALETKEY_SOCKET", socket);
        }
    }
}

impl Show for Changed {
    fn show(&self, page: &mut Page) {
        page.line(&format!("Session {} is {}.", self.0.id, self.0.state));
    }
}

impl Show for Shown {
    fn show(&self, page: &mut Page) {
        self.session.facts(page);
        if self.leases.is_empty() {
            return page.line("No tokens of it are live.");
        }
        let rows = self.leases.iter().map(|lease| {
            let cells = [
                lease.id.clone(),
                lease.credential.clone(),
                lease.scopes.join(" "),
                lease.audience.clone(),
                remaining(lease.expires_at),
            ];
            (Tone::Plain, cells)
        });
        page.table(
            ["lease", "credential", "scopes", "audience", "ends in"],
            rows.collect(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::digest;

    #[test]
    fn an_executable_is_known_by_its_sha256() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("program");
        fs::write(&file, "abc").unwrap();
        // FIPS 180-2 appendix B.1.
        assert_eq!(
            digest(&file).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(digest(Path::new("/nonexistent")).is_err());
    }
}
