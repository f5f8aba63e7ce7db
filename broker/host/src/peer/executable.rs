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
#[derive(Debug)]
pub(super) struct Executables(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    patience: Duration,
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

impl Default for Executables {
    fn default() -> Self {
        Self(Arc::new(Shared {
            patience: PATIENCE,
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }
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
            .wait_timeout_while(state, self.patience, |state| {
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
            .recv_timeout(self.patience)
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

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, OpenOptions},
        io,
        process::{Child, Command, Stdio},
        sync::{Arc, Condvar, Mutex},
        time::Duration,
    };

    use super::{Executables, FileId, READERS, Shared, State};

    fn run(program: &str) -> Child {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    fn digest(executables: &Executables, child: &Child) -> io::Result<String> {
        executables.digest(child.id().cast_signed())
    }

    fn remembered(executables: &Executables) -> usize {
        executables.0.state.lock().unwrap().known.len()
    }

    /// Everything is busy, and nobody waits.
    fn crowded() -> Executables {
        let state = State {
            readers: READERS,
            ..State::default()
        };
        Executables(Arc::new(Shared {
            patience: Duration::ZERO,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    #[test]
    fn only_what_has_settled_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let young = folder.path().join("young");
        fs::copy("/usr/bin/cat", &young).unwrap();
        let executables = Executables::default();
        let (old, young) = (run("/usr/bin/cat"), run(young.to_str().unwrap()));
        let one = digest(&executables, &young).unwrap();
        assert_eq!(remembered(&executables), 0);
        assert_eq!(digest(&executables, &old).unwrap(), one);
        assert_eq!(remembered(&executables), 1);
        end(old);
        end(young);
    }

    #[test]
    fn a_file_settles_with_time() {
        let file = File::open("/usr/bin/cat").unwrap().into();
        let id = FileId::of(&file).unwrap();
        assert!(id.is_settled());
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
        for (changed, settled) in [(0, true), (now, false), (now + 3600, false)] {
            let id = FileId {
                changed: (changed, 0),
                ..id
            };
            assert_eq!(id.is_settled(), settled, "{changed} at {now}");
        }
    }

    #[test]
    fn an_endless_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::copy("/usr/bin/cat", &program).unwrap();
        let file = OpenOptions::new().write(true).open(&program).unwrap();
        file.set_len(1 << 40).unwrap();
        drop(file);
        let child = run(program.to_str().unwrap());
        let error = digest(&Executables::default(), &child).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        end(child);
    }

    /// Files that hang keep their readers; what is known is still answered, the rest is refused.
    #[test]
    fn readers_that_hang_block_nobody_for_long() {
        let crowded = crowded();
        let child = run("/usr/bin/cat");
        let error = digest(&crowded, &child).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let file = File::open("/usr/bin/cat").unwrap().into();
        let known = "known".to_owned();
        let mut state = crowded.0.state.lock().unwrap();
        state
            .known
            .insert(FileId::of(&file).unwrap(), known.clone());
        drop(state);
        assert_eq!(digest(&crowded, &child).unwrap(), known);
        end(child);
    }
}
