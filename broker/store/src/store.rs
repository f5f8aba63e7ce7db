//! The store itself, and how it is opened.

use std::{
    path::Path,
    sync::{Arc, Mutex, atomic::Ordering, mpsc::sync_channel},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::watch;
use valetkey_core::ports::{Clock, Entropy, SecretStore};

use crate::{
    OpenError, approvals,
    ballast::{self, Ballast},
    chain::{Head, LedgerId},
    checkpoint::Vouched,
    held::Held,
    live::Live,
    locks, open,
    questions::Questions,
    queue::{DEPTH, Progress, Queue},
    readers::Readers,
    schema, sessions,
    tail::Tail,
    writer::{Shared, Writer},
};

/// What the store is given, and its bounds.
#[derive(Clone)]
pub struct Options {
    /// For the time of checkpoints.
    pub clock: Arc<dyn Clock>,
    /// For the ledger's id and the key of its checkpoints.
    pub entropy: Arc<dyn Entropy>,
    /// Where the key of the checkpoints and the anchor are kept.
    pub secrets: Arc<dyn SecretStore>,
    /// How long a record or a look-up may take until its caller is told that the disk is slow.
    pub answer_within: Duration,
    /// After how many records a checkpoint is due.
    pub checkpoint_every: u64,
    /// After what time a checkpoint is due where there were fewer.
    pub checkpoint_after: Duration,
}

impl Options {
    /// The usual bounds: an answer within 2 seconds, a checkpoint after 1,000 records or 30 seconds.
    pub const fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        secrets: Arc<dyn SecretStore>,
    ) -> Self {
        Self {
            clock,
            entropy,
            secrets,
            answer_within: Duration::from_secs(2),
            checkpoint_every: 1000,
            checkpoint_after: Duration::from_secs(30),
        }
    }
}

/// The open database: [`Ledger`](valetkey_core::ports::Ledger),
/// [`Audit`](valetkey_core::ports::Audit), [`Sessions`](valetkey_core::ports::Sessions),
/// [`Approvals`](valetkey_core::ports::Approvals), [`Locks`](valetkey_core::ports::Locks) and
/// [`LoginBook`](valetkey_core::ports::LoginBook) in one.
///
/// Dropping it stores what is queued and waits for that, at most as long as the disk takes.
pub struct Store {
    pub(crate) options: Options,
    pub(crate) ledger: LedgerId,
    pub(crate) readers: Readers,
    pub(crate) shared: Arc<Shared>,
    pub(crate) vouched: tokio::sync::Mutex<Vouched>,
    pub(crate) queue: Queue,
}

impl Store {
    /// Opens the database at `path`, and makes it where there is none; its folder must exist and be
    /// writable by this user alone. Blocks for a few flushes, and as long as it takes to read the
    /// sessions that are not over and their approvals. One process at a time.
    ///
    /// A ledger whose end does not verify is told to the log and appended to all the same: refusing
    /// would not bring back what was changed, would lose what is recorded from now on, and would let
    /// whoever can edit the file stop every agent with one byte. `verify` tells what is wrong, of the
    /// end also what was wrong only now. But sessions and approvals whose record is not borne out lend
    /// nothing, and the machine counts as locked where a lock may have been edited away.
    pub fn open(path: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        let path = open::private_file(path)?;
        match Self::open_private(&path, &options) {
            Err(error) if error.wants_room() => {
                // Revocations that were stored on the last room must be found again.
                ballast::release_beside(&path);
                Self::open_private(&path, &options)
            }
            opened => opened,
        }
    }

    fn open_private(path: &Path, options: &Options) -> Result<Arc<Self>, OpenError> {
        let db = open::for_writing(path)?;
        let ledger = schema::prepare(&db, path, || {
            let mut id = [0; 32];
            options.entropy.fill(&mut id);
            LedgerId(id)
        })?;
        open::tune(&db)?;
        let tail = Tail::read(&db, ledger)?;
        let head = tail.head;
        let vouched = Vouched {
            until: vouched_until(&db)?,
            tried: options.clock.now(),
            failed: false,
        };
        let doubts = tail.doubts(&db)?;
        let live = Live::new(sessions::live(&db, ledger, &doubts)?);
        let shared = Arc::new(Shared {
            questions: Questions::new(approvals::lasting(&db, ledger, &live, &doubts)?),
            live,
            held: Held::new(locks::held(&db, ledger, doubts.lock)?),
            doubted: doubts.sessions(),
            head: watch::channel(head).0,
            noticed: Mutex::new(tail.faults),
        });
        let progress = Arc::new(Progress::default());
        let writer = Writer {
            ballast: Ballast::beside(path, &db, &*options.entropy),
            db,
            ledger,
            head,
            pruned: Vec::new(),
            shared: Arc::clone(&shared),
            progress: Arc::clone(&progress),
            patience: options.answer_within,
        };
        let (sender, receiver) = sync_channel(DEPTH);
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(OpenError::system(path))?;
        Ok(Arc::new(Self {
            options: options.clone(),
            ledger,
            readers: Readers::new(path.to_owned(), options.answer_within),
            shared,
            vouched: tokio::sync::Mutex::new(vouched),
            queue: Queue::new(sender, thread, progress, options.answer_within),
        }))
    }

    /// How many transactions were committed since the store was opened. Fewer than records where
    /// several shared one.
    pub fn commits(&self) -> u64 {
        self.queue.progress().commits.load(Ordering::Relaxed)
    }

    pub(crate) fn head(&self) -> Head {
        *self.shared.head.borrow()
    }
}

fn vouched_until(db: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(sequence), 0) FROM checkpoints";
    let last: i64 = db.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(last).unwrap_or(0))
}
