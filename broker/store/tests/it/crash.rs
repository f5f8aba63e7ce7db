//! `kill -9` in the middle of writing: whatever was acknowledged is there.
//!
//! The child is this very test, told by its environment to write until it is killed.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::future::join_all;
use valetkey_core::{
    Approval, Lock, LockHolder,
    approval::Ending,
    ports::{Approvals, Audit as _, Ledger as _, Locks as _},
};
use valetkey_store::{Options, Store};
use valetkey_support::{
    CountingEntropy, MovableClock,
    contracts::{
        approvals::{question, told, yes},
        ledger::note,
        locks::{self, lock},
        sessions::session,
    },
    fakes::secret_store::FakeSecretStore,
};

use crate::home::{Home, faults, record, save};

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
        let last = killed("what_was_acknowledged_survives_kill_9", &home, lines);
        let store = home.open();
        assert!(store.grown_beyond(0).await >= last, "record {last} is gone");
        assert!(faults(&store).await.is_empty());
        record(&store, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_and_locks_survive_kill_9() {
    if let Some(database) = env::var_os(DATABASE) {
        return decide_until_killed(database.into()).await;
    }
    for lines in [1, 2, 3, 4, 5, 6, 33, 97] {
        let home = Home::new();
        let last = killed("approvals_and_locks_survive_kill_9", &home, lines);
        let store = home.open();
        let done = store.grown_beyond(0).await;
        assert!(done >= last, "record {last} is gone");
        // More may be stored than the child could say; what is stored is whole.
        let steps = (2..=done).map(step);
        let (mut approvals, mut held) = (BTreeMap::new(), None);
        for next in steps {
            match next {
                Step::Approval(next) => drop(approvals.insert(next.id, *next)),
                Step::Lock(next) => held = next,
            }
        }
        let kept = Approvals::list(&*store, None);
        let kept: Vec<_> = kept.iter().map(|kept| &*kept.approval).collect();
        assert_eq!(kept, approvals.values().collect::<Vec<_>>());
        assert_eq!(store.held().owner, held);
        assert!(faults(&store).await.is_empty());
    }
}

/// The record at which the child was, which it said in so many lines before it was killed.
fn killed(test: &str, home: &Home, lines: usize) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("crash::{test}")])
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
    acknowledged.unwrap()
}

enum Step {
    Approval(Box<Approval>),
    Lock(Option<Lock>),
}

/// What the child does at this place, behind the record of its session: it asks, is answered, uses the
/// answer, is locked, and is unlocked.
fn step(place: u64) -> Step {
    let (round, step) = ((place - 2) / 5 + 1, (place - 2) % 5);
    let asked = question(round, &session(1));
    let given = yes(&asked);
    match step {
        0 => Step::Approval(asked.into()),
        1 => Step::Approval(given.into()),
        2 => Step::Approval(given.end(Ending::Used, given.at).unwrap().into()),
        3 => Step::Lock(Some(lock(&round.to_string()))),
        _ => Step::Lock(None),
    }
}

fn open(database: &Path) -> Arc<Store> {
    let options = Options::new(
        Arc::<MovableClock>::default(),
        Arc::<CountingEntropy>::default(),
        Arc::<FakeSecretStore>::default(),
    );
    Store::open(database, options).unwrap()
}

async fn decide_until_killed(database: PathBuf) {
    let store = open(&database);
    let mut stdout = io::stdout();
    save(&store, &session(1)).await;
    writeln!(stdout, "\nstored 1").unwrap();
    for place in 2.. {
        match step(place) {
            Step::Approval(next) => {
                let record = told(&next);
                Approvals::save(&*store, *next, record).await.unwrap();
            }
            Step::Lock(lock) => {
                let record = locks::told(LockHolder::Owner, lock.as_ref());
                store.set(LockHolder::Owner, lock, record).await.unwrap();
            }
        }
        writeln!(stdout, "stored {place}").unwrap();
    }
}

async fn write_until_killed(database: PathBuf) {
    let store = open(&database);
    let mut stdout = io::stdout();
    writeln!(stdout).unwrap();
    loop {
        let receipts = join_all((0..8).map(|n| store.record(note(n)))).await;
        for receipt in receipts {
            writeln!(stdout, "stored {}", receipt.unwrap().sequence()).unwrap();
        }
    }
}
