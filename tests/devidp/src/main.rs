//! `valetkey-devidp`: the development provider as a program. Says `ready ISSUER` when it listens, and
//! stops on SIGTERM.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use valetkey_devidp::{Alg, Config, DevIdp, User};

/// An OpenID provider for demos and tests: it believes whoever says who they are.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Loopback port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Somebody who can log in, and their groups: `alice:dev,deploy`. May be repeated
    #[arg(long = "user", value_name = "NAME[:GROUP,GROUP]")]
    users: Vec<User>,
    /// A client id. May be repeated
    #[arg(long = "client", value_name = "ID")]
    clients: Vec<String>,
    /// How ID tokens are signed
    #[arg(long, value_enum, default_value_t = Alg::Es256)]
    alg: Alg,
    /// Seconds an ID token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    id_token_lifetime: u64,
    /// Seconds an access token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    access_token_lifetime: u64,
    /// Least seconds between two polls of the device flow
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    device_interval: u64,
    /// A claim for everybody's ID token: `hd=example.test`. May be repeated
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "valetkey-devidp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> io::Result<()> {
    let mut config = Config {
        port: args.port,
        alg: args.alg,
        id_token_lifetime: Duration::from_secs(args.id_token_lifetime),
        access_token_lifetime: Duration::from_secs(args.access_token_lifetime),
        device_interval: Duration::from_secs(args.device_interval),
        claims: args.claims.into_iter().collect(),
        ..Config::default()
    };
    if !args.users.is_empty() {
        config.users = args.users;
    }
    if !args.clients.is_empty() {
        config.clients = args.clients;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before `ready` is said: whoever reads that may stop us at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let idp = DevIdp::start(config)?;
        writeln!(io::stdout(), "ready {}", idp.issuer())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a claim is `name=value`")?;
    Ok((name.to_owned(), value.to_owned()))
}
