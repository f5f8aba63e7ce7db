//! The sink against ledgers that grow and files that fail.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use valetkey_core::{
    Event, Record,
    doctor::Health,
    ports::{Audit, Ledger, Watched as _},
    record::SealedRecord,
};
use valetkey_support::fakes::ledger::MemoryLedger;

use crate::{
    FileSink, SinkState, SinkStatus,
    file::{LineFile, Medium},
    line::Last,
    sink::Pace,
    trouble::Trouble,
};

struct Bench {
    folder: TempDir,
    ledger: Arc<MemoryLedger>,
}

/// A sink that runs.
struct Running {
    status: SinkStatus,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            ledger: Arc::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("copy.jsonl")
    }

    /// Records this many more.
    async fn grow(&self, records: u64) {
        for at in 0..records {
            let record = Record {
                at,
                request: None,
                session: None,
                event: Event::BrokerStopped,
            };
            let sealed = SealedRecord::new(record).unwrap();
            self.ledger.record(sealed).await.unwrap();
        }
    }

    fn run(&self, mut sink: FileSink) -> Running {
        sink.pace = Pace {
            answer_within: Duration::from_millis(200),
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
        };
        let (status, stop) = (sink.status(), CancellationToken::new());
        let audit = Arc::clone(&self.ledger) as Arc<dyn Audit>;
        let task = tokio::spawn(sink.run(audit, stop.clone()));
        Running { status, stop, task }
    }

    fn start(&self) -> Running {
        self.run(FileSink::new(self.path()))
    }

    /// The places of the lines.
    fn lines(&self) -> Vec<u64> {
        places(&self.path())
    }
}

impl Running {
    async fn reaches(&mut self, wanted: u64) {
        let follows = |state: &SinkState| matches!(state, SinkState::Following { sequence } if *sequence == wanted);
        self.status.wait_for(follows).await;
    }

    async fn fails(&mut self) -> String {
        let state = self
            .status
            .wait_for(|state| matches!(state, SinkState::Failing { .. }))
            .await;
        match state {
            SinkState::Failing { why, .. } => why,
            state => panic!("{state:?}"),
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn places(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let place = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["record"]["event"], "broker_stopped");
        line["sequence"].as_u64().unwrap()
    };
    text.lines().map(place).collect()
}

fn all(records: u64) -> Vec<u64> {
    (1..=records).collect()
}

#[tokio::test]
async fn it_follows_the_ledger() {
    let bench = Bench::new();
    bench.grow(3).await;
    let mut sink = bench.start();
    sink.reaches(3).await;
    assert_eq!(bench.lines(), all(3));
    // More than one flush takes.
    bench.grow(1200).await;
    sink.reaches(1203).await;
    assert_eq!(bench.lines(), all(1203));
    let mode = fs::metadata(bench.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let finding = sink.status.finding();
    assert_eq!(finding.health, Health::Well);
    assert!(
        finding.text.ends_with("copied up to record 1203"),
        "{finding:?}"
    );
    sink.end().await;
}

#[tokio::test]
async fn it_goes_on_where_it_left_off() {
    let bench = Bench::new();
    bench.grow(3).await;
    let mut sink = bench.start();
    sink.reaches(3).await;
    sink.end().await;
    bench.grow(2).await;
    let mut sink = bench.start();
    sink.reaches(5).await;
    assert_eq!(bench.lines(), all(5));
}

#[tokio::test]
async fn a_torn_line_is_mended() {
    let bench = Bench::new();
    bench.grow(4).await;
    let mut sink = bench.start();
    sink.reaches(4).await;
    sink.end().await;
    let whole = fs::read(bench.path()).unwrap();
    let third = whole
        .split_inclusive(|byte| *byte == b'\n')
        .take(3)
        .map(<[u8]>::len)
        .sum();
    for cut in [0, 1, 10, third, third + 1, third + 12, whole.len() - 1] {
        fs::write(bench.path(), &whole[..cut]).unwrap();
        let mut sink = bench.start();
        sink.reaches(4).await;
        assert_eq!(fs::read(bench.path()).unwrap(), whole, "cut at {cut}");
        sink.end().await;
    }
}

#[tokio::test]
async fn what_is_not_a_copy_of_this_ledger_is_left_alone() {
    let bench = Bench::new();
    bench.grow(2).await;
    for (text, says) in [
        ("my diary", "something else"),
        ("my diary\n", "something else"),
        ("{\"sequence\":\"x\"}\n", "something else"),
        (
            "{\"sequence\":1,\"hash\":\"of another\",\"record\":{}}\n",
            "another ledger",
        ),
        (
            "{\"sequence\":9,\"hash\":\"\",\"record\":{}}\n",
            "another ledger",
        ),
    ] {
        fs::write(bench.path(), text).unwrap();
        let mut sink = bench.start();
        let why = sink.fails().await;
        assert!(why.contains(says), "{text}: {why}");
        assert_eq!(fs::read_to_string(bench.path()).unwrap(), text);
        // Once it is moved away, a copy begins.
        fs::remove_file(bench.path()).unwrap();
        sink.reaches(2).await;
        assert_eq!(bench.lines(), all(2));
        sink.end().await;
    }
}

#[tokio::test]
async fn only_a_file_of_ours_is_written() {
    let bench = Bench::new();
    bench.grow(1).await;
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    symlink(&elsewhere, bench.path()).unwrap();
    let mut sink = bench.start();
    assert!(sink.fails().await.contains("not a regular file"));
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
    assert_eq!(sink.status.finding().health, Health::Ill);
    sink.end().await;
    fs::remove_file(bench.path()).unwrap();

    fs::create_dir(bench.path()).unwrap();
    let mut sink = bench.start();
    assert!(sink.fails().await.contains("not a regular file"));
    sink.end().await;
    fs::remove_dir(bench.path()).unwrap();

    fs::write(bench.path(), "").unwrap();
    fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o622)).unwrap();
    let mut sink = bench.start();
    assert!(sink.fails().await.contains("can be written by others"));
    fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o600)).unwrap();
    sink.reaches(1).await;
}

#[tokio::test]
async fn it_waits_for_a_place_to_write_to() {
    let bench = Bench::new();
    let path = bench.folder.path().join("mount/copy.jsonl");
    bench.grow(2).await;
    let mut sink = bench.run(FileSink::new(path.clone()));
    assert!(sink.fails().await.contains("cannot be written"));
    fs::create_dir(path.parent().unwrap()).unwrap();
    sink.reaches(2).await;
    assert_eq!(places(&path), all(2));
}

#[tokio::test]
async fn a_file_that_was_moved_away_begins_anew() {
    let bench = Bench::new();
    bench.grow(2).await;
    let mut sink = bench.start();
    sink.reaches(2).await;
    let archive = bench.folder.path().join("archive");
    fs::rename(bench.path(), &archive).unwrap();
    bench.grow(1).await;
    sink.reaches(3).await;
    assert_eq!(bench.lines(), all(3));
    assert_eq!(places(&archive), all(2));
    // Shortened by somebody: filled again.
    fs::write(bench.path(), "").unwrap();
    bench.grow(1).await;
    sink.reaches(4).await;
    assert_eq!(bench.lines(), all(4));
}

/// A file whose writes are decided by a test.
struct Decided {
    file: LineFile,
    path: PathBuf,
    began: Sender<()>,
    verdicts: Mutex<Receiver<Verdict>>,
}

enum Verdict {
    Write,
    /// As a full disk does: some bytes, and no more.
    Tear(usize),
}

impl Medium for Decided {
    fn resume(&mut self) -> Result<Option<Last>, Trouble> {
        self.file.resume()
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Trouble> {
        // The test may have heard enough.
        self.began.send(()).ok();
        let verdict = self.verdicts.lock().unwrap().recv();
        match verdict.unwrap_or(Verdict::Write) {
            Verdict::Write => self.file.append(lines),
            Verdict::Tear(bytes) => {
                let mut half = fs::read(&self.path).unwrap();
                half.extend_from_slice(&lines[..bytes]);
                fs::write(&self.path, half).unwrap();
                Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into())
            }
        }
    }
}

fn decided(bench: &Bench) -> (FileSink, Receiver<()>, Sender<Verdict>) {
    let ((began, begun), (decide, verdicts)) = (channel(), channel());
    let medium = Decided {
        file: LineFile::new(bench.path()),
        path: bench.path(),
        began,
        verdicts: Mutex::new(verdicts),
    };
    (FileSink::onto(bench.path(), medium), begun, decide)
}

#[tokio::test]
async fn a_full_disk_tears_no_line() {
    let bench = Bench::new();
    bench.grow(3).await;
    let (sink, _begun, decide) = decided(&bench);
    decide.send(Verdict::Tear(30)).unwrap();
    decide.send(Verdict::Tear(0)).unwrap();
    decide.send(Verdict::Tear(100)).unwrap();
    let mut sink = bench.run(sink);
    assert!(sink.fails().await.contains("cannot be written"));
    drop(decide);
    sink.reaches(3).await;
    assert_eq!(bench.lines(), all(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_hangs_holds_nobody_up() {
    let bench = Bench::new();
    bench.grow(1).await;
    let (sink, begun, decide) = decided(&bench);
    let mut sink = bench.run(sink);
    tokio::task::spawn_blocking(move || begun.recv())
        .await
        .unwrap()
        .unwrap();
    // The ledger takes records while the write hangs.
    bench.grow(100).await;
    let why = sink.fails().await;
    assert!(why.contains("does not answer"), "{why}");
    let finding = sink.status.finding();
    assert!(finding.next_step.unwrap().contains("stands at record 0"));
    drop(decide);
    sink.reaches(101).await;
    assert_eq!(bench.lines(), all(101));
    sink.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_hangs_still_stops() {
    let bench = Bench::new();
    bench.grow(1).await;
    let (sink, _begun, _decide) = decided(&bench);
    let mut sink = bench.run(sink);
    sink.fails().await;
    sink.end().await;
}
