//! Sockets from a real service manager, and word back to it. The test starts itself a second time,
//! as the service.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed unwrap is a failed test"
)]

use std::{
    env,
    io::{Read as _, Write as _},
    os::unix::net::{UnixDatagram, UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use valetkey_host::{Activated, notify_ready, notify_stopping};

const NAME: &str = "a_service_manager_opens_the_door";

#[test]
fn a_service_manager_opens_the_door() {
    if env::var_os("LISTEN_FDS").is_some() {
        return serve();
    }
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    let door = folder.path().join("door");
    let mut service = activate(&door, &folder.path().join("notify"));

    let mut word = String::new();
    connect(&door, &mut service)
        .read_to_string(&mut word)
        .unwrap();

    assert_eq!(word, "served");
    assert_eq!(receive(&manager), "READY=1\n");
    assert_eq!(receive(&manager), "STOPPING=1\n");
    assert!(service.wait().unwrap().success());
}

/// Descriptors that are meant for another process are not taken.
#[test]
fn without_a_service_manager_there_is_nothing() {
    let mut activated = Activated::take();
    assert!(activated.unix("door").unwrap().is_none());
    assert!(activated.first_unix().unwrap().is_none());
    notify_ready().unwrap();
}

fn serve() {
    let mut activated = Activated::take();
    assert!(activated.unix("another").unwrap().is_none());
    let listener = activated.unix("door").unwrap().unwrap();
    assert!(
        activated.unix("door").unwrap().is_none(),
        "given away twice"
    );
    notify_ready().unwrap();
    listener.set_nonblocking(false).unwrap();
    listener.accept().unwrap().0.write_all(b"served").unwrap();
    notify_stopping().unwrap();
}

fn activate(door: &Path, notify: &Path) -> Child {
    Command::new("systemd-socket-activate")
        .arg("--listen")
        .arg(door)
        .args(["--fdname=door", "--setenv=NOTIFY_SOCKET", "--"])
        .arg(env::current_exe().unwrap())
        .args([NAME, "--exact"])
        .env("NOTIFY_SOCKET", notify)
        .stdout(Stdio::null())
        .spawn()
        .expect("systemd-socket-activate is missing: run tests/provision/test.sh")
}

/// Connects as soon as the manager listens.
fn connect(door: &Path, manager: &mut Child) -> UnixStream {
    loop {
        match UnixStream::connect(door) {
            Ok(stream) => return stream,
            Err(_) => assert!(manager.try_wait().unwrap().is_none(), "it has ended"),
        }
        std::thread::yield_now();
    }
}

fn receive(manager: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let length = manager.recv(&mut message).unwrap();
    String::from_utf8_lossy(message.get(..length).unwrap()).into_owned()
}
