//! A room on a terminal: its keys reach the agent, and it can type nothing into it.

use std::{env, process::Command};

use crate::house::House;

const HELD: &str = "VALETKEY_TEST_TERMINAL";

/// Runs the test below on a terminal of its own, in a process that ignores Ctrl-C, as the command line
/// does; types Ctrl-C when the agent is ready.
const TYPIST: &str = r#"
import os, pty, sys
seen = b''
pid, terminal = pty.fork()
if pid == 0:
    os.execvp('env', ['env', '--ignore-signal=INT'] + sys.argv[1:])
typed = False
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
    if b'ready' in seen and not typed:
        typed = True
        os.write(terminal, b'\x03')
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn ctrl_c_is_the_agents() {
    let own = env::current_exe().expect("a test knows its own path");
    let output = Command::new("/usr/bin/python3")
        .args(["-I", "-c", TYPIST])
        .arg(own)
        .args(["terminal::held", "--exact", "--nocapture"])
        .env(HELD, "1")
        .output()
        .expect("python runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("ready"), "{text}");
    assert!(text.contains("interrupted"), "{text}");
}

#[test]
fn held() {
    if env::var_os(HELD).is_none() {
        return;
    }
    let house = House::new();
    let mut room = house.room("");
    let script = "test -t 0 && test -t 2 || exit 3
        echo for the terminal > /dev/stderr || exit 4
        echo too > /dev/tty || exit 5
        trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    room.command = ["sh", "-c", script].map(Into::into).into();
    let mut sandbox = house.start(&room);
    assert_eq!(sandbox.wait().expect("it ends").status, 9);
}
