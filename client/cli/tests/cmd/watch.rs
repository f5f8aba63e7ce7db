//! The live view on a real terminal: `script` of util-linux lends one.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;

use crate::{
    doors::decisions::{STANDING, question, standing},
    grid::Grid,
    stub::{QUESTION, Script, Stub},
};

/// Long enough for anything that is going to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal of 80 x 24 on which the view runs.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    grid: Grid,
    seen: String,
}

impl Terminal {
    /// The view, until it shows the question. What the terminal was like is compared at the end.
    fn watch(stub: &Stub) -> Self {
        let line = format!(
            "stty rows 24 cols 80; before=$(stty -g); tty; \
             sh -c 'echo pid=$$; exec {} approvals watch'; \
             echo status=$?; test \"$before\" = \"$(stty -g)\" && echo restored",
            env!("CARGO_BIN_EXE_valetkey")
        );
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("XDG_RUNTIME_DIR", stub.runtime())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (send, output) = mpsc::channel();
        let mut screen = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                drop(send.send(buffer.iter().take(length).copied().collect()));
            }
        });
        let mut terminal = Self {
            keys: child.stdin.take().unwrap(),
            output,
            grid: Grid::new(),
            seen: String::new(),
            child,
        };
        terminal.until("aaaa0001");
        terminal
    }

    /// Reads on until the screen shows this.
    fn until(&mut self, words: &str) {
        // The time that is left is drawn every second, so that output alone is no progress.
        let end = Instant::now() + PATIENCE;
        while !self.grid.text().contains(words) {
            let left = end.saturating_duration_since(Instant::now());
            let more = self.output.recv_timeout(left);
            let more = more.unwrap_or_else(|_| panic!("no {words:?}: {}", self.grid.text()));
            self.take(&more);
        }
    }

    fn take(&mut self, more: &[u8]) {
        let more = String::from_utf8_lossy(more);
        self.grid.write(&more);
        self.seen.push_str(&more);
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// What stands after this word.
    fn told(&self, name: &str) -> &str {
        let (_, after) = self.seen.split_once(name).unwrap();
        after.split_whitespace().next().unwrap()
    }

    /// Everything to the end; the terminal is as it was before.
    fn end(mut self) {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(more) => self.seen.push_str(&String::from_utf8_lossy(&more)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it goes on: {}", self.grid.text()),
            }
        }
        drop(self.keys);
        self.child.wait().unwrap();
        for sign in ["\u{1b}[?1049l", "\u{1b}[?25h", "status=0", "restored"] {
            assert!(self.seen.contains(sign), "{sign:?}: {:?}", self.seen);
        }
    }
}

fn live() -> Stub {
    Stub::with(Script {
        live: true,
        ..Script::default()
    })
}

fn answers(stub: &Stub) -> Vec<String> {
    let mut heard = stub.heard();
    heard.retain(|call| !call.starts_with("watch"));
    heard
}

#[test]
fn a_question_is_answered_with_two_keys() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    terminal.press("o");
    terminal.until("Press y to confirm");
    assert!(answers(&stub).is_empty());
    terminal.press("y");
    terminal.until("granted once: `demo-api`");
    assert_eq!(
        answers(&stub),
        [format!(
            "AnswerApprovalRequest {{ account: \"default\", id: \"{QUESTION}\", \
             digest: \"digest-of-{QUESTION}\", answer: Some(Once(true)) }}"
        )]
    );
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_yes_that_stands_is_taken_back() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    terminal.press("j");
    terminal.until("> bbbb0002");
    terminal.press("f");
    terminal.until("Press y to confirm");
    terminal.press("y");
    terminal.until("taken back: `demo-api`");
    assert_eq!(
        answers(&stub),
        [format!(
            "TakeBackApprovalRequest {{ account: \"default\", id: \"{STANDING}\" }}"
        )]
    );
    terminal.press("\u{3}");
    terminal.end();
}

#[test]
fn what_comes_meanwhile_is_shown_and_moves_no_answer() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    terminal.press("d");
    terminal.until("Press y to confirm");
    let mut earlier = question("019a9f00-0000-7000-8000-0000cccc0003", "word");
    earlier.asked_at = 1;
    stub.script
        .approvals
        .send_modify(|approvals| approvals.insert(0, earlier));
    terminal.until("  cccc0003");
    terminal.press("y");
    terminal.until("denied: `demo-api`");
    let answered = answers(&stub);
    assert_eq!(answered.len(), 1);
    assert!(answered[0].contains(QUESTION), "{answered:?}");
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_paste_is_no_answer() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    terminal.press("\u{1b}[200~oy\u{1b}[201~");
    terminal.press("q");
    terminal.end();
    assert!(answers(&stub).is_empty());
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let stub = live();
        let terminal = Terminal::watch(&stub);
        let pid = Pid::from_raw(terminal.told("pid=").parse().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        terminal.end();
    }
}

#[test]
fn a_new_size_is_drawn() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    let device = terminal.seen.lines().next().unwrap().trim().to_owned();
    let resize = |rows: &str, columns: &str| {
        let arguments = ["-F", &device, "rows", rows, "cols", columns];
        let done = Command::new("stty").args(arguments).status().unwrap();
        assert!(done.success());
    };
    resize("10", "30");
    terminal.until("40 x 12 is needed");
    resize("40", "100");
    terminal.until("> aaaa0001");
    terminal.press("q");
    terminal.end();
}

#[test]
fn a_broker_that_goes_away_is_said() {
    let stub = live();
    let mut terminal = Terminal::watch(&stub);
    drop(stub);
    terminal.until("not connected");
    terminal.press("q");
    terminal.end();
}

#[test]
fn two_hundred_questions_do_not_slow_the_keys() {
    let stub = live();
    let many = (0..200).map(|number| {
        let mut one = question(
            &format!("019a9f00-0000-7000-8000-00000000{number:04}"),
            "word",
        );
        one.asked_at = number;
        one
    });
    let mut all: Vec<_> = many.collect();
    all.push(standing(STANDING, "word"));
    all.push(question(QUESTION, "word"));
    all.last_mut().unwrap().asked_at = 0;
    stub.script.approvals.send_replace(all);
    let mut terminal = Terminal::watch(&stub);
    terminal.press(&"j".repeat(199));
    terminal.until("> 00000198");
    terminal.press("q");
    terminal.end();
}
