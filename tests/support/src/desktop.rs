//! A desktop session of a test's own: home, runtime directory, session bus and GNOME Keyring, apart
//! from whatever the machine has. Nothing is started by activation, so no prompter can appear and a
//! killed keyring stays away.

mod own_process;
mod wire;

use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub use own_process::in_own_process;
use wire::Wire;

/// What opens the keyring of [`PrivateDesktop::start`].
pub const PASSWORD: &str = "of the private keyring";

/// What a test's preparations come to.
pub type Prepared<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A running session. Everything in it ends when it is dropped.
pub struct PrivateDesktop {
    place: Place,
    bus: Option<Running>,
    wire: Option<Wire>,
    keyring: Option<Running>,
    /// Kept last, so that it is removed when nobody uses it any more.
    _directory: Option<TempDir>,
}

impl PrivateDesktop {
    /// A session with an unlocked, empty GNOME Keyring.
    pub fn start() -> Prepared<Self> {
        let mut desktop = Self::without_keyring()?;
        desktop.start_keyring()?;
        Ok(desktop)
    }

    /// A session in which nothing provides secrets.
    pub fn without_keyring() -> Prepared<Self> {
        let mut desktop = Self::without_bus()?;
        desktop.start_bus()?;
        Ok(desktop)
    }

    /// A home and a runtime directory only.
    pub fn without_bus() -> Prepared<Self> {
        let directory = tempfile::Builder::new().prefix("valetkey-").tempdir()?;
        let place = Place(directory.path().to_owned());
        Self::at(place, Some(directory))
    }

    fn at(place: Place, directory: Option<TempDir>) -> Prepared<Self> {
        for folder in [place.home(), place.runtime()] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        Ok(Self {
            place,
            bus: None,
            wire: None,
            keyring: None,
            _directory: directory,
        })
    }

    /// The home directory; the keyring's file is below it.
    pub fn home(&self) -> PathBuf {
        self.place.home()
    }

    /// The variables that put a program into this session.
    pub fn env(&self) -> Vec<(&'static str, PathBuf)> {
        self.place.env()
    }

    /// Puts a program into this session, and out of the one that the test runs in.
    pub fn host<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.place.host(command)
    }

    /// Starts the session bus.
    pub fn start_bus(&mut self) -> Prepared<()> {
        let configuration = self.place.0.join("bus.conf");
        fs::write(&configuration, self.place.bus_configuration())?;
        let mut bus = Running::start(
            self.host(&mut Command::new("dbus-daemon"))
                .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
                .arg(format!("--config-file={}", configuration.display()))
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        // It prints its address when it can be connected to.
        let mut address = String::new();
        let stdout = bus.0.stdout.take().ok_or("dbus-daemon has no output")?;
        BufReader::new(stdout).read_line(&mut address)?;
        if address.is_empty() {
            return Err("dbus-daemon ended before it was ready".into());
        }
        self.bus = Some(bus);
        self.wire = Some(Wire::connect(&self.place.address())?);
        Ok(())
    }

    /// Starts GNOME Keyring and opens its login collection, which is made when there is none.
    pub fn start_keyring(&mut self) -> Prepared<()> {
        let mut keyring = Running::start(
            self.host(&mut Command::new("gnome-keyring-daemon"))
                .args(["--foreground", "--unlock", "--components=secrets"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null()),
        )?;
        // It takes everything up to the end of its input for the password.
        let mut input = keyring.0.stdin.take().ok_or("the keyring has no input")?;
        input.write_all(PASSWORD.as_bytes())?;
        drop(input);
        self.keyring = Some(keyring);
        let owned = self
            .host(&mut Command::new("gdbus"))
            .args(["wait", "--session", "--timeout=20", wire::PROVIDER])
            .status()
            .map_err(|error| missing("gdbus", &error))?;
        if !owned.success() {
            return Err("gnome-keyring-daemon did not come up within 20 s".into());
        }
        if self.is_locked()? {
            return Err("the private keyring is locked after its start".into());
        }
        Ok(())
    }

    /// Locks the keyring, as a person does on leaving.
    pub fn lock(&self) -> Prepared<()> {
        self.wire()?.lock()
    }

    /// Unlocks the keyring without a prompt.
    pub fn unlock(&self, password: &str) -> Prepared<()> {
        self.wire()?.unlock(password)
    }

    /// Whether the keyring is locked.
    pub fn is_locked(&self) -> Prepared<bool> {
        self.wire()?.is_locked()
    }

    /// The names of what the open keyring holds, sorted.
    pub fn entries(&self) -> Prepared<Vec<String>> {
        self.wire()?.entries()
    }

    /// Makes the keyring hang: it keeps its name on the bus and answers nothing.
    pub fn freeze_keyring(&self) -> Prepared<()> {
        self.signal_keyring(Signal::STOP)
    }

    /// Lets a frozen keyring go on.
    pub fn thaw_keyring(&self) -> Prepared<()> {
        self.signal_keyring(Signal::CONT)
    }

    fn signal_keyring(&self, signal: Signal) -> Prepared<()> {
        let keyring = self.keyring.as_ref().ok_or("there is no keyring")?;
        Ok(kill_process(Pid::from_child(&keyring.0), signal)?)
    }

    /// Kills the keyring; returns when its name is free.
    pub fn kill_keyring(&mut self) -> Prepared<()> {
        let keyring = self.keyring.take().ok_or("there is no keyring")?;
        self.wire()?.until_gone(move || drop(keyring))
    }

    /// Kills the bus, and with it what is on it.
    pub fn kill_bus(&mut self) {
        self.keyring = None;
        self.wire = None;
        self.bus = None;
    }

    fn wire(&self) -> Prepared<&Wire> {
        self.wire.as_ref().ok_or_else(|| "there is no bus".into())
    }
}

/// Where a session lives.
struct Place(PathBuf);

impl Place {
    fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    fn runtime(&self) -> PathBuf {
        self.0.join("run")
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.runtime().join("bus").display())
    }

    fn env(&self) -> Vec<(&'static str, PathBuf)> {
        let home = self.home();
        vec![
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("XDG_CACHE_HOME", home.join(".cache")),
            ("XDG_DATA_HOME", home.join(".local/share")),
            ("XDG_STATE_HOME", home.join(".local/state")),
            ("XDG_RUNTIME_DIR", self.runtime()),
            ("DBUS_SESSION_BUS_ADDRESS", self.address().into()),
            ("HOME", home),
        ]
    }

    fn host<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for outside in ["DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL"] {
            command.env_remove(outside);
        }
        command.envs(self.env()).current_dir(self.home())
    }

    /// The stock session bus, but for the directories of services that it would start.
    fn bus_configuration(&self) -> String {
        let address = self.address();
        format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
        )
    }
}

/// A program that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Prepared<Self> {
        let program = Path::new(command.get_program()).display().to_string();
        let child = command.spawn().map_err(|error| missing(&program, &error))?;
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a program that is gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn missing(program: &str, error: &std::io::Error) -> String {
    format!("`{program}` does not start ({error}); run tests/provision/test.sh")
}
