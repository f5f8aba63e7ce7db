//! `valetkey token` as a process, against `oidc-token` of oidc-agent with its token cached. Ours makes,
//! signs and records a new token each time. `/bin/true` is taken off both.

use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use valetkey_e2e::{program, repository};

use crate::{
    Measured,
    place::{Place, Population, runtime},
    report::Row,
    stats::{Rounds, repeat},
};

const ROUNDS: usize = 25;
const EACH: usize = 20;
const WARM_UP: usize = 1;
const MOST: f64 = 0.5;

/// oidc-agent with an account loaded, beside its provider; both end when this is dropped.
struct Peer {
    script: Child,
    socket: OsString,
}

impl Peer {
    fn start(folder: &Path) -> Measured<Self> {
        let mut script = Command::new(repository().join("tests/bench/oidc-agent.sh"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = script.stdout.take().ok_or("the script has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let socket = line.trim().strip_prefix("ready ").map(OsString::from);
        Ok(Self {
            script,
            socket: socket.ok_or("oidc-agent does not start; run tests/provision/bench.sh")?,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("oidc-token");
        command
            .arg("bench")
            .env_clear()
            .env("OIDC_SOCK", &self.socket);
        command
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It cleans up when its input ends.
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: 1,
        dead: 0,
        policies: 2,
    };
    let place = Place::with(&runtime, population)?;
    let peer = Peer::start(place.world.folder())?;
    let socket = place.sockets.first().ok_or("there is no session")?;

    let mut ours = Command::new(program("valetkey"));
    ours.args(["token", "demo-api", "--scope", "api:read"]);
    ours.env_clear().env("VALETKEY_SOCKET", socket);
    let mut theirs = peer.command();
    let mut nothing = Command::new("/bin/true");
    nothing.env_clear();

    let (mut net, mut net_theirs, mut ratios, mut empty) = Default::default();
    for round in 0..WARM_UP + ROUNDS {
        let nothing = p50(&mut nothing)?;
        let (ours, theirs) = (p50(&mut ours)? - nothing, p50(&mut theirs)? - nothing);
        if round >= WARM_UP {
            Rounds::push(&mut empty, nothing);
            Rounds::push(&mut net, ours);
            Rounds::push(&mut net_theirs, theirs);
            Rounds::push(&mut ratios, ours / theirs);
        }
    }
    Ok(vec![
        Row::noted(
            "`valetkey token` against a cached `oidc-token`",
            net.median(),
            "us",
        )
        .ratio_at_most(net_theirs.median(), ratios.median(), MOST)
        .note(format!(
            "both less /bin/true ({:.0} us); ratio {}",
            empty.median(),
            ratios.spread()
        )),
    ])
}

fn p50(command: &mut Command) -> Measured<f64> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let samples = repeat(EACH, || match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?} ended with {status}").into()),
    });
    Ok(samples?.p50())
}
