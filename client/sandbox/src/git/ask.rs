//! Asks git itself for its settings: it alone knows all of the places that they are in.

use std::{
    ffi::OsStr,
    io::Read as _,
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Home, Setting};
use crate::program;

/// How often it is waited for, and how long: a second in all. It takes two milliseconds, and longer where an agent put
/// a pipe in the place of a file.
const TRIES: u32 = 50;
const REST: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};
const LIMIT: usize = 1024 * 1024;

/// In the folder of a working tree. `None` where there is no git, or it does not say.
pub(super) fn settings(root: &Path, home: &Home) -> Option<Vec<Setting>> {
    let mut command = Command::new(program::of_root("git")?);
    command
        .arg("-C")
        .arg(root)
        // An agent may have written the repository: nothing of it is to be run, and its index not read.
        .args(["-c", "core.fsmonitor=false", "--no-pager", "config", "-z"])
        .args(["--list", "--includes", "--show-origin"])
        .env_clear()
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("HOME", &home.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.envs(&home.variables);
    let mut child = command.spawn().ok()?;
    let output = output(&mut child);
    if output.is_none() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    read(&output.filter(|_| status.success())?, root)
}

/// What it says, until it closes it.
fn output(child: &mut Child) -> Option<Vec<u8>> {
    let mut pipe = child.stdout.take()?;
    let (mut output, mut part) = (Vec::new(), [0; 16384]);
    let mut tries = TRIES;
    loop {
        let mut ready = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
        if poll(&mut ready, Some(&REST)).ok()? == 0 {
            tries = tries.checked_sub(1)?;
            continue;
        }
        let count = pipe.read(&mut part).ok()?;
        if count == 0 {
            return Some(output);
        }
        output.extend(part.get(..count)?);
        if output.len() > LIMIT {
            return None;
        }
    }
}

/// Where from, and a key with its value, each with a zero byte behind it.
fn read(output: &[u8], root: &Path) -> Option<Vec<Setting>> {
    let mut parts = output.strip_suffix(b"\0")?.split(|&byte| byte == 0);
    let mut settings = Vec::new();
    while let (Some(origin), Some(setting)) = (parts.next(), parts.next()) {
        let file = origin.strip_prefix(b"file:");
        let setting = String::from_utf8_lossy(setting);
        let (key, value) = setting.split_once('\n').unwrap_or((&setting, ""));
        settings.push(Setting {
            file: file.map(|file| root.join(PathBuf::from(OsStr::from_bytes(file)))),
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::{Home, settings};

    #[test]
    fn nobody_waits_for_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::with(folder.path(), |_| None);
        assert!(settings(folder.path(), &home).is_some());
        let pipe = folder.path().join("pipe");
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let text = format!("[include]\npath = {}\n", pipe.display());
        fs::write(folder.path().join(".gitconfig"), text).unwrap();
        assert!(settings(folder.path(), &home).is_none());
    }
}
