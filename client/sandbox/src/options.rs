//! The options of bubblewrap, handed over in memory: on its command line every user of the machine could
//! read the variables that they set.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{Seek as _, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::error::{Error, os};

/// Options, and the descriptors that they name.
#[derive(Default)]
pub(crate) struct Options {
    words: Vec<OsString>,
    descriptors: Vec<OwnedFd>,
}

impl Options {
    pub(crate) fn flag(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    pub(crate) fn read_only(&mut self, host: &Path, inside: &Path) {
        self.two("--ro-bind", host, inside);
    }

    pub(crate) fn bind(&mut self, host: &Path, inside: &Path) {
        self.two("--bind", host, inside);
    }

    pub(crate) fn symlink(&mut self, target: &Path, inside: &Path) {
        self.two("--symlink", target, inside);
    }

    pub(crate) fn variable(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.two("--setenv", name, value);
    }

    pub(crate) fn two(
        &mut self,
        option: &str,
        first: impl AsRef<OsStr>,
        second: impl AsRef<OsStr>,
    ) {
        let second = second.as_ref().to_owned();
        self.words
            .extend([option.into(), first.as_ref().to_owned(), second]);
    }

    /// A file of the room's own, read-only wherever it is put: also over one of the host's.
    pub(crate) fn file(&mut self, content: &[u8], inside: &Path) -> Result<(), Error> {
        self.data("--ro-bind-data", content, inside)
    }

    /// A file of the room's own in its root, which is read-only when it is done. Unlike a mount, of which
    /// bubblewrap needs the longer the more there are, this costs next to nothing.
    pub(crate) fn copy(&mut self, content: &[u8], inside: &Path) -> Result<(), Error> {
        self.data("--file", content, inside)
    }

    fn data(&mut self, option: &str, content: &[u8], inside: &Path) -> Result<(), Error> {
        let memory = memory(content)?;
        // Readable by all: some programs change their user.
        self.flag(&["--perms", "0444"]);
        self.two(option, memory.as_raw_fd().to_string(), inside);
        self.descriptors.push(memory);
        Ok(())
    }

    /// As bubblewrap reads them from `--args`, and what it must inherit for them.
    pub(crate) fn into_parts(self) -> Result<(OwnedFd, Vec<OwnedFd>), Error> {
        let mut bytes = Vec::new();
        for word in &self.words {
            // A byte 0 in a word would make two of it, and the second could be any option.
            if word.as_bytes().contains(&0) {
                return Err(Error::Plan("a path or a value that has a zero byte in it"));
            }
            bytes.extend(word.as_bytes());
            bytes.push(0);
        }
        Ok((memory(&bytes)?, self.descriptors))
    }
}

/// A file in memory that begins with this.
pub(crate) fn memory(content: &[u8]) -> Result<OwnedFd, Error> {
    let descriptor =
        memfd_create("valetkey", MemfdFlags::CLOEXEC).map_err(os("making a file in memory"))?;
    let mut file = File::from(descriptor);
    file.write_all(content)
        .and_then(|()| file.rewind())
        .map_err(os("writing a file in memory"))?;
    Ok(file.into())
}
