//! One file per command.

pub(crate) mod admin;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod exec;
mod find;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod sandbox_init;
pub(crate) mod secret;
pub(crate) mod session;
pub(crate) mod srt_decider;
pub(crate) mod status;
pub(crate) mod token;
mod view;

use valetkey_sdk::Exit;

use crate::{args::Command, failure::Failure, output::Output};

/// What a command ends with.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Runs a command.
pub(crate) async fn run(command: Command, output: &Output) -> Outcome {
    match command {
        Command::Login(login) => login.run(output).await,
        Command::Logout(logout) => logout.run(output).await,
        Command::Status(status) => status.run(output).await,
        Command::Doctor(doctor) => doctor.run(output).await,
        Command::Secret(secret) => secret.run(output).await,
        Command::Session(session) => session.run(output).await,
        Command::Run(run) => run.run(output).await,
        Command::Exec(exec) => exec.run(output).await,
        Command::SrtDecider(decider) => decider.run().await,
        // Run by `main`, without a runtime.
        Command::SandboxInit(init) => init.run(),
        Command::Token(token) => token.run(output).await,
        Command::Grants(grants) => grants.run(output).await,
        Command::Approvals(approvals) => approvals.run(output).await,
        Command::Lock(lock) => lock.run(output).await,
        Command::Unlock(unlock) => unlock.run(output).await,
        Command::Audit(audit) => audit.run(output).await,
        Command::Admin(admin) => admin.run(output).await,
        Command::Policy(policy) => policy.run(output).await,
        Command::Keys(keys) => keys.run(output).await,
        Command::Completions(completions) => completions.run(output),
    }
}
