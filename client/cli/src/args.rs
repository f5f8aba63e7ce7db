//! The command line. Each command's own arguments stand in its file.

use std::{env, ffi::OsString};

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    admin::Admin,
    approvals::Approvals,
    audit::Audit,
    completions::Completions,
    doctor::Doctor,
    exec::Exec,
    grants::Grants,
    keys::Keys,
    lock::{Lock, Unlock},
    login::Login,
    logout::Logout,
    policy::Policy,
    run::Run,
    sandbox_init::SandboxInit,
    secret::Secret,
    session::Session,
    srt_decider::SrtDecider,
    status::Status,
    token::Token,
};

/// The account that is meant where none is named.
pub(crate) const ACCOUNT: &str = "default";

/// What was asked for.
pub(crate) struct Line {
    pub(crate) json: bool,
    pub(crate) command: Command,
}

/// Short-lived, scoped tokens for agents; one login and one keyring for you
#[derive(Parser)]
#[command(
    name = "valetkey",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Agents use `token` and `grants` inside a session, found through VALETKEY_SOCKET.\n\
        Exit status: 0 done, 1 failed, 2 usage, 3 denied, 4 approval needed, refused or expired,\n\
        5 not logged in or keyring locked, 6 the provider failed, 7 the broker cannot be reached."
)]
struct Full {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
struct Common {
    /// Print JSON, and failures as JSON on standard error
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Login(Login),
    Logout(Logout),
    Status(Status),
    Doctor(Doctor),
    Secret(Secret),
    Session(Session),
    Run(Run),
    Exec(Exec),
    SrtDecider(SrtDecider),
    #[command(skip)]
    SandboxInit(SandboxInit),
    Token(Token),
    Grants(Grants),
    Approvals(Approvals),
    Lock(Lock),
    Unlock(Unlock),
    Audit(Audit),
    Admin(Admin),
    Policy(Policy),
    Keys(Keys),
    Completions(Completions),
}

/// Reads the arguments of this process.
pub(crate) fn parse() -> Result<Line, clap::Error> {
    parse_from(env::args_os().collect())
}

/// The definition of every command, for completions.
pub(crate) fn definition() -> clap::Command {
    Full::command()
}

/// Agents run `valetkey token` thousands of times, so its definition is built without those of
/// all other commands.
fn parse_from(line: Vec<OsString>) -> Result<Line, clap::Error> {
    // Whatever follows is somebody else's command line.
    if line.get(1).is_some_and(|first| first == "sandbox-init") {
        return Ok(Line {
            json: false,
            command: Command::SandboxInit(SandboxInit::new(line.into_iter().skip(2).collect())),
        });
    }
    if line.get(1).is_some_and(|first| first == "token") {
        let matches = token_alone().try_get_matches_from(line.into_iter().skip(1))?;
        return Ok(Line {
            json: Common::from_arg_matches(&matches)?.json,
            command: Command::Token(Token::from_arg_matches(&matches)?),
        });
    }
    let full = Full::try_parse_from(line)?;
    Ok(Line {
        json: full.common.json,
        command: full.command,
    })
}

/// `token` with the very arguments that it has in [`Full`].
fn token_alone() -> clap::Command {
    let command = clap::Command::new("token")
        .bin_name("valetkey token")
        .version(env!("CARGO_PKG_VERSION"));
    Token::augment_args(Common::augment_args(command))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{Command, Full, parse_from, token_alone};

    fn parse(line: &str) -> Result<super::Line, clap::Error> {
        parse_from(line.split(' ').map(Into::into).collect())
    }

    #[test]
    fn the_definitions_hold_together() {
        Full::command().debug_assert();
        token_alone().debug_assert();
    }

    #[test]
    fn json_stands_anywhere() {
        for line in [
            "valetkey --json token c",
            "valetkey token --json c",
            "valetkey token c --json",
            "valetkey grants --json",
            "valetkey audit tail --json",
        ] {
            assert!(parse(line).unwrap().json, "{line}");
        }
    }

    #[test]
    fn the_short_way_reads_a_token_request_as_the_long_way_does() {
        let arguments = "token c --scope a --scope b --ttl 5m --reason why --audience x";
        let short = parse(&format!("valetkey {arguments}")).unwrap();
        let long = parse(&format!("valetkey --json {arguments}")).unwrap();
        let (Command::Token(short), Command::Token(long)) = (short.command, long.command) else {
            panic!("both are token requests");
        };
        assert_eq!(format!("{short:?}"), format!("{long:?}"));
    }

    #[test]
    fn a_secret_cannot_be_an_argument() {
        assert!(parse("valetkey secret add name value").is_err());
        assert!(parse("valetkey secret add name --value v").is_err());
    }

    #[test]
    fn a_yes_says_how_far_it_reaches() {
        let approve = "valetkey approvals approve 123456";
        let error = parse(approve).err().unwrap().to_string();
        for flag in ["--once", "--session", "--for"] {
            assert!(error.contains(flag), "{error}");
            assert!(parse(&format!("{approve} --once --session")).is_err());
        }
        assert!(parse(&format!("{approve} --once")).is_ok());
        assert!(parse(&format!("{approve} --for 30m")).is_ok());
    }

    #[test]
    fn a_revocation_has_exactly_one_target() {
        let revoke = "valetkey admin revoke --reason r --account boss";
        assert!(parse(revoke).is_err());
        assert!(parse(&format!("{revoke} --session s --all")).is_err());
        assert!(parse(&format!("{revoke} --session s")).is_ok());
        assert!(parse(&format!("{revoke} --all")).is_ok());
    }

    #[test]
    fn lifetimes_that_are_none_are_usage() {
        for ttl in ["0", "-5", "-1h", "soon"] {
            let error = parse(&format!("valetkey token c --ttl {ttl}"))
                .err()
                .unwrap();
            assert_eq!(
                error.kind(),
                clap::error::ErrorKind::ValueValidation,
                "{ttl}"
            );
        }
    }
}
