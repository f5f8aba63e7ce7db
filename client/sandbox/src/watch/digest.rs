//! What is compared and not kept.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

pub(super) type Digest = [u8; SHA256_OUTPUT_LEN];

/// Of parts, each of which begins with its length.
pub(super) struct Digester(Context);

impl Digester {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    pub(super) fn add_path(&mut self, path: &Path) {
        self.add(path.as_os_str().as_bytes());
    }

    pub(super) fn end(self) -> Digest {
        let mut digest = Digest::default();
        digest.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}
