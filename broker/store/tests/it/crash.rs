//! `kill -9` in the middle of writing: whatever was acknowledged is there.
//!
//! The child is this very test, told by its environment to write until it is killed.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::future::join_all;
use valetkey_core::ports::{Audit as _, Ledger as _};
use valetkey_store::{Options, Store};
use valetkey_support::{
    CountingEntropy, MovableClock, contracts::ledger::note, fakes::secret_store::FakeSecretStore,
};

use crate::home::{Home, faults, record};

const DATABASE: &str = "VALETKEY_TEST_DATABASE";
/// The child is killed after it said so many lines.
const LINES: [usize; 4] = [1, 7, 40, 150];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    if let Some(database) = env::var_os(DATABASE) {
        return write_until_killed(database.into()).await;
    }
    let home = Home::new();
    for lines in LINES {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "crash::what_was_acknowledged_survives_kill_9",
            ])
            .env(DATABASE, home.database())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = said
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("stored ")?.parse::<u64>().ok())
            .take(lines)
            .last();
        child.kill().unwrap();
        child.wait().unwrap();

        let store = home.open();
        let last = acknowledged.unwrap();
        assert!(store.grown_beyond(0).await >= last, "record {last} is gone");
        assert!(faults(&store).await.is_empty());
        record(&store, 1).await;
    }
}

async fn write_until_killed(database: PathBuf) {
    let options = Options::new(
        Arc::<MovableClock>::default(),
        Arc::<CountingEntropy>::default(),
        Arc::<FakeSecretStore>::default(),
    );
    let store = Store::open(&database, options).unwrap();
    let mut stdout = io::stdout();
    writeln!(stdout).unwrap();
    loop {
        let receipts = join_all((0..8).map(|n| store.record(note(n)))).await;
        for receipt in receipts {
            writeln!(stdout, "stored {}", receipt.unwrap().sequence()).unwrap();
        }
    }
}
