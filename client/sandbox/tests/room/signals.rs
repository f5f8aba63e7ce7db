//! How an agent ends, and how it is ended.

use std::{fs, path::Path};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::Signal,
};
use valetkey_sandbox::{Error, Landlock, Sandbox};

use crate::house::{House, eventually};

#[test]
fn the_status_is_the_agents() {
    let house = House::new();
    assert_eq!(house.script("exit 7").status, 7);
    assert_eq!(house.script("kill -SEGV $$").status, 139);
    assert_eq!(house.script("ulimit -c").text, "0\n");
}

/// Bubblewrap blocks what a terminal sends; the agent must not have that from it. Not a shell's word:
/// shells change their mask.
#[test]
fn no_signal_is_blocked_in_the_agent() {
    let house = House::new();
    let mut room = house.room("");
    let script = "open('/out/text', 'w').write(open('/proc/self/status').read())";
    room.command = ["/usr/bin/python3", "-I", "-c", script]
        .map(Into::into)
        .into();
    let text = house.run(&room).text;
    assert!(text.contains("SigBlk:\t0000000000000000\n"), "{text}");
}

#[test]
fn a_signal_is_for_the_agent_itself() {
    let house = House::new();
    let script = "trap 'echo got; exit 9' TERM; sleep 100 & echo ready; wait";
    let sandbox = &mut house.start(&house.room(script));
    eventually("it is ready", || house.text() == "ready\n");
    sandbox.signal(Signal::TERM).expect("it is there");
    let mut waits = [PollFd::from_borrowed_fd(sandbox.pidfd(), PollFlags::IN)];
    poll(&mut waits, None).expect("it can be waited for");
    assert_eq!(sandbox.wait().expect("it ends").status, 9);
    assert_eq!(house.text(), "ready\ngot\n");
    sandbox.signal(Signal::TERM).expect("nothing happens");
    sandbox.kill().expect("nothing happens");
}

#[test]
fn killing_takes_all_of_it() {
    let house = House::new();
    let mut sandbox = house.start(&house.room("sleep 100 & echo ready; wait"));
    eventually("it is ready", || house.text() == "ready\n");
    sandbox.kill().expect("it is there");
    assert_eq!(sandbox.wait().expect("it ends").status, 137);
    assert!(!is_alive(sandbox.command_pid()));
}

#[test]
fn dropping_takes_all_of_it() {
    let house = House::new();
    let begun = house.start(&house.room("echo ready; exec sleep 100"));
    eventually("it is ready", || house.text() == "ready\n");
    let waits = Sandbox::spawn(&house.room("echo never > /out/never")).expect("a room");
    for sandbox in [begun, waits] {
        let pids = [sandbox.command_pid(), sandbox.init_pid()];
        assert!(pids.iter().all(|&pid| is_alive(pid)));
        drop(sandbox);
        assert!(!pids.iter().any(|&pid| is_alive(pid)));
    }
    assert!(!house.path("out/never").exists());
    assert_eq!(fs::read_dir(house.workspace()).expect("it").count(), 0);
}

#[test]
fn what_the_agent_left_running_is_gone_when_it_has_ended() {
    let house = House::new();
    let script = "(trap '' TERM HUP; while :; do echo evil > .idea; done) 2>/dev/null & exit 3";
    assert_eq!(house.script(script).status, 3);
    assert_eq!(fs::read_dir(house.workspace()).expect("it").count(), 0);
}

/// By a thread that ends before, too.
#[test]
fn it_outlives_the_thread_that_made_it() {
    let house = House::new();
    let room = house.room("sleep 0.3; exit 5");
    let made = std::thread::spawn(move || {
        let mut sandbox = Sandbox::spawn(&room).expect("a room");
        sandbox.go().expect("it begins");
        sandbox
    });
    let mut sandbox = made.join().expect("no panic");
    assert_eq!(sandbox.wait().expect("it ends").status, 5);
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let house = House::new();
    for (program, expected) in [("no-such-program", 127), ("/etc/passwd", 126)] {
        let mut room = house.room("");
        room.command = vec![program.into()];
        let mut sandbox = Sandbox::spawn(&room).expect("a room");
        let error = sandbox.go().expect_err("it does not start");
        assert!(error.to_string().contains(program), "{error}");
        assert!(
            matches!(error, Error::Command { status, .. } if status == expected),
            "{error:?}"
        );
        sandbox.wait().expect("it ends");
    }
}

#[test]
fn what_bubblewrap_says_is_told() {
    let house = House::new();
    let mut room = house.room("true");
    room.init = "/no/such/program".into();
    let error = Sandbox::spawn(&room).expect_err("there is no room");
    assert!(error.to_string().contains("/no/such/program"), "{error}");
    assert!(!error.next_step().is_empty());
}

#[test]
fn the_layers_are_told() {
    let house = House::new();
    let mut sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    assert_eq!(sandbox.go().expect("it begins").landlock, Landlock::Full);
    sandbox.wait().expect("it ends");
    for finding in valetkey_sandbox::findings() {
        assert_eq!(
            finding.health,
            valetkey_sandbox::Health::Good,
            "{finding:?}"
        );
    }
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
