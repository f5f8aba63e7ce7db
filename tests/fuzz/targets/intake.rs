//! A launcher's line, and the descriptors that come with it.
#![no_main]

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    net::TcpListener,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use valetkey_egress::fuzzing;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    static LISTENER: TcpListener = TcpListener::bind("127.0.0.1:0").unwrap();
}

/// Descriptors that are open beside those of one run.
const OPEN: i32 = 64;

fn line(bytes: &[u8], piece: usize, descriptors: &[BorrowedFd<'_>]) -> Option<(String, i32)> {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let (near, far) = UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            assert!(near.as_raw_fd() < OPEN, "descriptors are left open");
            let near = tokio::net::UnixStream::from_std(near).unwrap();
            for (index, bytes) in bytes.chunks(piece).enumerate() {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if index == 0 && !descriptors.is_empty() {
                    assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
                }
                sendmsg(
                    &far,
                    &[IoSlice::new(bytes)],
                    &mut control,
                    SendFlags::empty(),
                )
                .unwrap();
            }
            drop(far);
            let read = fuzzing::line(&near).await;
            read.ok()
                .map(|(session, sandbox)| (session.to_string(), sandbox))
        })
    })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [flags, bytes @ ..] = input else { return };
    let bytes = &bytes[..bytes.len().min(4096)];
    let count = usize::from(flags & 7).min(6);
    let piece = [4096, 1, 100, 1024][usize::from(flags >> 3 & 3)].max(bytes.len() / 64 + 1);
    LISTENER.with(|listener| {
        // A socket that listens, and things that do not.
        let stdin = std::io::stdin();
        let one = if flags & 0x20 != 0 {
            stdin.as_fd()
        } else {
            listener.as_fd()
        };
        let descriptors = vec![one; count];
        let Some((session, sandbox)) = line(bytes, piece, &descriptors) else {
            return;
        };
        assert!(
            count == 1 && flags & 0x20 == 0,
            "exactly one socket that listens"
        );
        let end = bytes.iter().position(|b| *b == b'\n').expect("a line ends");
        assert!(end <= 1024, "a line is long");
        let read: serde_json::Value =
            serde_json::from_slice(&bytes[..end]).expect("a line is JSON");
        let object = read.as_object().expect("a line is an object");
        assert_eq!(object.len(), 2);
        let said = object["session"].as_str().expect("a session is text");
        assert!(said.len() == 32 && said.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(said.to_ascii_lowercase(), session);
        assert_eq!(object["sandbox"].as_i64(), Some(sandbox.into()));
    });
});
