//! A file of lines that only grows.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use rustix::{fs::OFlags, io::Errno, process::geteuid};

use crate::{
    line::{Last, may_begin},
    trouble::Trouble,
};

/// How far from the end the last line is looked for, in bytes. No record is nearly as long.
const LONGEST_LINE: u64 = 1 << 20;

/// What a sink needs of the place it writes to. Every call may block.
pub(crate) trait Medium: Send + 'static {
    /// Opens it anew, mends its end, and says what the last line is.
    fn resume(&mut self) -> Result<Option<Last>, Trouble>;

    /// Appends whole lines durably: all of them, or none where that can be had.
    fn append(&mut self, lines: &[u8]) -> Result<(), Trouble>;
}

/// A file of lines.
pub(crate) struct LineFile {
    path: PathBuf,
    open: Option<Open>,
}

struct Open {
    file: File,
    /// How long it is, as we left it.
    length: u64,
}

impl LineFile {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Whether the path still leads to the file as we left it.
    fn unchanged(&self, open: &Open) -> io::Result<bool> {
        let ours = open.file.metadata()?;
        Ok(match self.path.symlink_metadata() {
            Ok(there) => same(&there, &ours) && ours.len() == open.length,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        })
    }
}

impl Medium for LineFile {
    fn resume(&mut self) -> Result<Option<Last>, Trouble> {
        self.open = None;
        let mut file = open(&self.path)?;
        vet(&file.metadata()?)?;
        let (last, length) = mend(&mut file)?;
        self.open = Some(Open { file, length });
        Ok(last)
    }

    fn append(&mut self, lines: &[u8]) -> Result<(), Trouble> {
        let Some(mut open) = self.open.take() else {
            return Err(Trouble::Moved);
        };
        if !self.unchanged(&open)? {
            return Err(Trouble::Moved);
        }
        let stored = open
            .file
            .write_all(lines)
            .and_then(|()| open.file.sync_data());
        if let Err(error) = stored {
            // Half a line stays where even this fails, and is mended when it is opened again. A line
            // that was written and not flushed may be gone after a power cut, so it goes too.
            drop(open.file.set_len(open.length));
            return Err(error.into());
        }
        open.length += lines.len() as u64;
        self.open = Some(open);
        Ok(())
    }
}

/// Opens without following a link and without waiting for the other end of a pipe.
fn open(path: &PathBuf) -> Result<File, Trouble> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    opened.map_err(|error| match Errno::from_io_error(&error) {
        // A link, a folder, a socket or a pipe that nobody reads.
        Some(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Trouble::NotAFile,
        _ => error.into(),
    })
}

fn vet(facts: &Metadata) -> Result<(), Trouble> {
    if !facts.is_file() {
        return Err(Trouble::NotAFile);
    }
    if facts.uid() != geteuid().as_raw() || facts.mode() & 0o022 != 0 {
        return Err(Trouble::Exposed);
    }
    Ok(())
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Cuts a torn line off the end. The last whole line, and how long the file is now.
fn mend(file: &mut File) -> Result<(Option<Last>, u64), Trouble> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LONGEST_LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    // Nobody else writes here; a file that grows all the same is not read for ever.
    file.take(LONGEST_LINE).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n');
    let (lines, torn) = match whole {
        Some(end) => tail.split_at(end + 1),
        None => tail.split_at(0),
    };
    if !may_begin(torn) || (lines.is_empty() && from > 0) {
        return Err(Trouble::Foreign);
    }
    // Looked at before anything is cut: a file that is not ours is left as it is.
    let last = lines
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty())
        .map(Last::parse)
        .transpose()?;
    let length = length - torn.len() as u64;
    if !torn.is_empty() {
        file.set_len(length)?;
        file.sync_data()?;
    }
    Ok((last, length))
}
