//! A running `valetkeyd`.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Longest that a start or a stop may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running broker; killed when dropped.
pub struct Broker {
    child: Child,
}

impl Broker {
    /// Starts `command` and waits until it says that it is ready (`sd_notify(3)`). Its log goes to
    /// `log`.
    pub fn start(mut command: Command, folder: &Path, log: &Path) -> Self {
        let notify = folder.join("notify.sock");
        drop(std::fs::remove_file(&notify));
        let socket = UnixDatagram::bind(&notify).expect("the notification socket can be bound");
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .expect("a time-out can be set");
        let log_file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("the log can be opened");
        let mut child = command
            .env("NOTIFY_SOCKET", &notify)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().expect("the log can be shared"))
            .stderr(log_file)
            .spawn()
            .expect("valetkeyd starts");
        for _ in 0..PATIENCE.as_millis() / 100 {
            let mut message = [0; 512];
            if let Ok(length) = socket.recv(&mut message)
                && message[..length].starts_with(b"READY=1")
            {
                return Self { child };
            }
            if let Ok(Some(status)) = child.try_wait() {
                panic!("valetkeyd ended with {status}:\n{}", tail(log));
            }
        }
        drop(child.kill());
        panic!("valetkeyd is not ready after {PATIENCE:?}:\n{}", tail(log));
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("the broker can be signalled");
    }

    /// Waits for its end and gives back its exit status; `None` where a signal ended it.
    pub fn wait(mut self) -> Option<i32> {
        self.child
            .wait()
            .expect("the broker can be waited for")
            .code()
    }

    /// Stops it in order and gives back its exit status.
    pub fn stop(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Ends it as a power cut would.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.wait();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tail(log: &Path) -> String {
    let Ok(file) = File::open(log) else {
        return String::new();
    };
    let lines: Vec<String> = BufReader::new(file).lines().map_while(Result::ok).collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
