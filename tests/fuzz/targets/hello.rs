//! The first bytes through a tunnel: TLS that names the host that was connected to, or no TLS where that
//! may be.
#![no_main]

use valetkey_core::network::Endpoint;
use valetkey_egress::fuzzing;
use valetkey_fuzz::near::{Manner, Near};

thread_local!(static RUNTIME: tokio::runtime::Runtime =
    tokio::runtime::Builder::new_current_thread().build().unwrap());

/// Bytes that are read one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(
            self.take(bytes)?
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
        )
    }

    fn block(&mut self, bytes: usize) -> Option<Reader<'a>> {
        let length = self.number(bytes)?;
        self.take(length).map(Reader)
    }
}

/// The server's name in a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).
fn name(bytes: &[u8]) -> Option<String> {
    let mut records = Reader(bytes);
    let mut shake = Vec::new();
    while let Some(22) = records.number(1) {
        // What follows the hello may be cut off anywhere.
        let record = records.take(2).and_then(|_| records.block(2));
        let Some(record) = record else { break };
        shake.extend_from_slice(record.0);
    }
    let mut shake = Reader(&shake);
    assert_eq!(shake.number(1), Some(1), "no ClientHello");
    let mut hello = shake.block(3)?;
    hello.take(34)?;
    hello.block(1)?;
    hello.block(2)?;
    hello.block(1)?;
    let mut extensions = hello.block(2)?;
    while let Some(kind) = extensions.number(2) {
        let mut extension = extensions.block(2)?;
        if kind == 0 {
            let mut names = extension.block(2)?;
            while let Some(kind) = names.number(1) {
                let name = names.block(2)?;
                if kind == 0 {
                    return Some(String::from_utf8_lossy(name.0).to_ascii_lowercase());
                }
            }
        }
    }
    None
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [flags, manner, bytes @ ..] = input else {
        return;
    };
    let host = if flags & 1 != 0 {
        "api.test"
    } else {
        "9.9.9.9"
    };
    let port = if flags & 2 != 0 { 443 } else { 8443 };
    let endpoint = Endpoint::parse(&format!("{host}:{port}"), None).unwrap();
    let (first, rest) = bytes.split_at(bytes.len().min(usize::from(flags >> 2)));
    let (near, _) = Near::new(rest, Manner::of(manner | 0x0c));
    let passed = RUNTIME.with(|runtime| runtime.block_on(fuzzing::hello(near, first, &endpoint)));
    let Some(passed) = passed else { return };
    assert!(bytes.starts_with(&passed), "what passes is what came");
    assert!(
        passed.len() < 128 * 1024,
        "{} bytes were held",
        passed.len()
    );
    match passed[..] {
        [22, 3, ..] => match name(&passed) {
            Some(name) => assert_eq!(name.strip_suffix('.').unwrap_or(&name), host),
            None => assert_eq!(host, "9.9.9.9", "TLS names no server"),
        },
        _ => assert_ne!(port, 443, "what is not TLS passes to 443"),
    }
});
