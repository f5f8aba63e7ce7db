//! Which executable a process runs, by digest.
//!
//! The file is the caller's to choose, so reading it is hostile: it may be endless, and on a file
//! system that the caller itself serves (FUSE) every read may hang. It is read by a thread of its
//! own, of which there are few, and waited for no longer than [`PATIENCE`].

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    os::fd::{AsRawFd as _, OwnedFd},
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use ring::digest::{Context, SHA256};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, openat, statx},
    time::{ClockId, clock_gettime},
};

/// How long a caller waits for a digest.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most files that are read at the same time.
const READERS: usize = 4;
/// Largest executable that is read, in bytes.
const SIZE_LIMIT: u64 = 512 * 1024 * 1024;
/// Most digests that are remembered.
const REMEMBERED: usize = 64;
/// A file that changed less than this many seconds ago may change again without a new time stamp: the
/// stamps are as coarse as the kernel's tick. Its digest is not remembered.
const SETTLES_IN: i64 = 2;

/// Digests of executables, remembered for as long as the files do not change.
#[derive(Debug, Default)]
pub(super) struct Executables(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    known: HashMap<FileId, String>,
    readers: usize,
}

/// One content of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FileId {
    device: (u32, u32),
    inode: u64,
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl Executables {
    /// SHA-256 of what `/proc/PID/exe` refers to, in lower-case hexadecimal. The link is followed
    /// once, so what is measured is what is read.
    ///
    /// # Errors
    /// The process is gone or another user's, the file is too large, or too many are being read.
    pub(super) fn digest(&self, pid: i32) -> io::Result<String> {
        // O_PATH asks no file system to open anything; neither does a stat that need not be fresh.
        let path = format!("/proc/{pid}/exe");
        let file = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        let id = FileId::of(&file)?;
        if id.size > SIZE_LIMIT {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        match self.0.known_or_begin(&id)? {
            Some(digest) => Ok(digest),
            None => self.0.read(file, id),
        }
    }
}

impl Shared {
    /// The digest if it is known; otherwise one of the few places of a reader.
    fn known_or_begin(&self, id: &FileId) -> io::Result<Option<String>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| {
                state.readers >= READERS && !state.known.contains_key(id)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = state.known.get(id) {
            return Ok(Some(digest.clone()));
        }
        if state.readers >= READERS {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        state.readers += 1;
        Ok(None)
    }

    fn read(self: &Arc<Self>, file: OwnedFd, id: FileId) -> io::Result<String> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let shared = Arc::clone(self);
        let reader = thread::Builder::new()
            .name("executable".to_owned())
            .spawn(move || {
                let digest = hash(&file, &id);
                shared.finish(id, digest.as_ref().ok());
                // Whoever waited may have lost patience.
                let _nobody = sender.send(digest);
            });
        if let Err(error) = reader {
            self.finish(id, None);
            return Err(error);
        }
        receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
    }

    fn finish(&self, id: FileId, digest: Option<&String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.readers -= 1;
        if let Some(digest) = digest.filter(|_| id.is_settled()) {
            if state.known.len() >= REMEMBERED {
                state.known.clear();
            }
            state.known.insert(id, digest.clone());
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl FileId {
    fn of(file: &OwnedFd) -> io::Result<Self> {
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let stat = statx(file, c"", flags, StatxFlags::BASIC_STATS)?;
        Ok(Self {
            device: (stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
            size: stat.stx_size,
            modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        })
    }

    fn is_settled(&self) -> bool {
        let now = clock_gettime(ClockId::Realtime).tv_sec;
        self.changed.0.saturating_add(SETTLES_IN) < now
    }
}

fn hash(file: &OwnedFd, id: &FileId) -> io::Result<String> {
    let mut content = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.take(SIZE_LIMIT);
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = content.read(&mut buffer)?;
        match buffer.get(..length) {
            None | Some([]) => break,
            Some(chunk) => context.update(chunk),
        }
    }
    if FileId::of(file)? != *id {
        return Err(io::Error::other("it changed while it was read"));
    }
    let mut hex = String::with_capacity(64);
    for byte in context.finish().as_ref() {
        let _infallible = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}
