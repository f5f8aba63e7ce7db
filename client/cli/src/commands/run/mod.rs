//! `valetkey run`: an agent in a room of its own.

mod link;
mod signals;
mod stops;
mod watch;

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use clap::Args;
use valetkey_sandbox::{Landlock, Mount, Room, Sandbox, Signal, none_starts};
use valetkey_sdk::{Code, Control, Developer, Error, wire::developer as dev};

use link::{Link, Place, is_over};
use signals::Signals;
use tokio::task::{JoinHandle, spawn_blocking};

use super::Outcome;
use crate::{args::ACCOUNT, failure::Failure, lifetime, output::Output};

/// Run an agent in a sandbox with a session of its own, and end both when it ends
///
/// The sandbox reaches its session's socket, its proxy and its workspace, and nothing else: no home, no
/// keyring, no D-Bus, no ssh-agent, no network but by the proxy. Credentials that are injected are put
/// into its requests outside of it. The exit status is the command's own.
#[derive(Args)]
#[command(after_help = "Example: valetkey run --agent coder -- claude\n\
    The workspace is the folder that this runs in, or the one that `--workspace` names.")]
pub(crate) struct Run {
    /// What kind of agent it is
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// The login whose authority it is lent
    #[arg(long, value_name = "NAME", default_value = ACCOUNT)]
    account: String,
    /// What the sandbox is like: read-only, workspace-write, open, or one of your configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The folder that it works in; this one where none is named
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// How long it may live: 90s, 10m, 8h, 1d
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    ttl: Option<Duration>,
    /// Kill it when its session is taken back or over
    #[arg(long)]
    kill_on_revoke: bool,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let workspace = match &self.workspace {
            Some(path) => path.clone(),
            None => env::current_dir().map_err(|error| {
                Failure::usage(
                    format!("the current folder cannot be told: {error}"),
                    "name one with `--workspace`",
                )
            })?,
        };
        // Before there is anything that would outlive this process: it ends a session that it started.
        let mut signals = Signals::listen()
            .map_err(|error| Failure::local(format!("signals cannot be heard: {error}")))?;
        let developer = Control::from_env().await?.developer();
        let (session, described) = self.session(&developer, &workspace, output).await?;
        let inside = self.inside(&session, described, workspace, &mut signals, output);
        let inside = inside.await;
        // Whatever happened: nobody is left who could speak for it.
        if let Err(error) = developer.end_session(&session.id).await
            && !is_over(error.code)
        {
            output.remark(&format!(
                "its session could not be ended ({}); `valetkey session end {}` does it later",
                error.message, session.id
            ));
        }
        let status = match inside? {
            Inside::Nothing(status) => status,
            Inside::Unmade(mut making, signal) => {
                output.remark("the sandbox is still being made, and removed once it is there; another signal, or Ctrl-C, leaves it");
                drop(signals.unless_done(&mut making).await);
                let _none = none_starts();
                process::exit(128 + signal.as_raw())
            }
            Inside::Ended(sandbox) => watch::left_by(*sandbox, &mut signals, output).await?,
        };
        let _ = std::io::stdout().flush();
        // The command's own status, which may be any.
        process::exit(status)
    }

    async fn session(
        &self,
        developer: &Developer,
        workspace: &Path,
        output: &Output,
    ) -> Result<(dev::Session, dev::Room), Failure> {
        let lifetime = self
            .ttl
            .map(|ttl| i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX));
        let request = dev::StartSessionRequest {
            account: self.account.clone(),
            agent: self.agent.clone(),
            workspace: Some(workspace.to_string_lossy().into_owned()),
            lifetime_seconds: lifetime,
            sandbox: Some(dev::Sandbox {
                profile: self.profile.clone(),
            }),
            ..dev::StartSessionRequest::default()
        };
        let started = developer.start_session_in_room(request).await?;
        output.remark_if_cut(self.ttl, Some(started.0.expires_at));
        Ok(started)
    }

    async fn inside(
        &self,
        session: &dev::Session,
        described: dev::Room,
        workspace: PathBuf,
        signals: &mut Signals,
        output: &Output,
    ) -> Result<Inside, Failure> {
        let at = PathBuf::from(&described.handover);
        let ticket = described.ticket.clone();
        let room = room(session, described, workspace, self.command.clone())?;
        // Who began to make one for nobody would leave its places in the workspace.
        if let Some(signal) = signals.so_far().await {
            return Ok(Inside::Nothing(128 + signal.as_raw()));
        }
        let mut making = spawn_blocking(move || Sandbox::spawn(&room));
        let made = match signals.unless_done(&mut making).await {
            Ok(made) => made,
            Err(signal) => return Ok(Inside::Unmade(making, signal)),
        };
        let mut sandbox = made
            .map_err(|error| Failure::local(format!("the sandbox could not be made: {error}")))?
            .map_err(|error| unmade(&error))?;
        for note in sandbox.notes() {
            output.remark(note);
        }
        let mut link: Option<Link> = None;
        if let Some(listener) = sandbox.take_listener() {
            let place = Place {
                at,
                session: session.id.clone(),
                sandbox: sandbox.init_pid(),
                listener,
                ticket,
            };
            link = Some(Link::make(place).await?);
        }
        if let Some(signal) = signals.so_far().await {
            return Ok(Inside::Nothing(128 + signal.as_raw()));
        }
        let layers = match sandbox.go() {
            Ok(layers) => layers,
            Err(error) => {
                let status = not_started(&error);
                output.failure(&unmade(&error));
                return Ok(Inside::Nothing(status));
            }
        };
        if layers.landlock != Landlock::Full {
            output.remark("this kernel has less of Landlock than the sandbox asks for; `valetkey doctor` says what is missing");
        }
        watch::until_it_ends(&sandbox, signals, link, self.kill_on_revoke, output).await?;
        Ok(Inside::Ended(Box::new(sandbox)))
    }
}

/// What there was of an agent when its session ends.
enum Inside {
    /// None, and the status that says why.
    Nothing(i32),
    /// A room that is still being made, and who asked for no more of it.
    Unmade(JoinHandle<Result<Sandbox, valetkey_sandbox::Error>>, Signal),
    /// One that has ended in its room.
    Ended(Box<Sandbox>),
}

/// The room as the broker describes it.
fn room(
    session: &dev::Session,
    described: dev::Room,
    workspace: PathBuf,
    command: Vec<OsString>,
) -> Result<Room, Failure> {
    let own = env::current_exe()
        .map_err(|error| Failure::local(format!("this program cannot find itself: {error}")))?;
    let mut room = Room::new(own, workspace, command);
    room.workspace.writable = described.workspace != "read-only";
    if described.workspace == "open" {
        room.workspace.protected.clear();
    }
    room.workspace
        .protected
        .extend(described.protected.into_iter().map(PathBuf::from));
    let shown = |path: String, writable| Mount {
        host: PathBuf::from(&path),
        inside: PathBuf::from(path),
        writable,
    };
    room.mounts.extend(
        described
            .readable
            .into_iter()
            .map(|path| shown(path, false)),
    );
    room.mounts
        .extend(described.writable.into_iter().map(|path| shown(path, true)));
    room.socket = session.socket.as_ref().map(PathBuf::from);
    // Also without a network: the session is tied to the room as it is handed over, and the broker lets
    // nothing pass.
    room.proxy = true;
    room.authority = Some(described.authority).filter(|pem| !pem.is_empty());
    room.pass.extend(described.environment);
    let variables = described.variables.into_iter();
    room.variables
        .extend(variables.map(|variable| (variable.name, variable.value)));
    room.variables
        .push(("VALETKEY_SESSION".to_owned(), session.id.clone()));
    Ok(room)
}

fn unmade(error: &valetkey_sandbox::Error) -> Failure {
    Failure::from(
        Error::new(Code::SandboxUnavailable, error.to_string()).with_next_step(error.next_step()),
    )
}

/// As a shell has it.
const fn not_started(error: &valetkey_sandbox::Error) -> i32 {
    match error {
        valetkey_sandbox::Error::Command { status, .. } => *status,
        _ => 1,
    }
}
