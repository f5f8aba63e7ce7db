//! What `/proc` says of one process. Whoever asks by number asks the pidfd afterwards.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::PathBuf,
};

/// More than a stat file has, in bytes: 52 numbers and a name of 64.
const STAT: usize = 2048;

/// Start time in clock ticks since boot: `proc_pid_stat(5)`, field 22. Stays the same over `execve`.
pub(super) fn started(pid: i32) -> io::Result<u64> {
    // In one piece, as the kernel gives it: this is asked twice for every token, and a read that feels
    // its way to the end costs as much as a twentieth of one.
    let mut stat = [0; STAT];
    let length = File::open(format!("/proc/{pid}/stat"))?.read(&mut stat)?;
    start_field(stat.get(..length).unwrap_or_default())
        .ok_or_else(|| io::Error::other("its stat file has no start time"))
}

/// Effective user id, as the owner of its folder in `/proc` is: one that is not dumpable belongs to root
/// there, so its status file is read.
pub(super) fn uid(pid: i32) -> io::Result<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    effective_uid(&status).ok_or_else(|| io::Error::other("its status file has no user id"))
}

/// The PID namespace that it is in: the inode of `/proc/PID/ns/pid` (`namespaces(7)`).
pub(super) fn pid_namespace(pid: i32) -> io::Result<u64> {
    Ok(fs::metadata(format!("/proc/{pid}/ns/pid"))?.ino())
}

/// The cgroup of version 2: `cgroups(7)`, the line of hierarchy 0. A machine with both versions has
/// lines of version 1 around it.
pub(super) fn cgroup(pid: i32) -> io::Result<PathBuf> {
    let lines = fs::read(format!("/proc/{pid}/cgroup"))?;
    unified_line(&lines).ok_or_else(|| io::Error::other("it is in no cgroup of version 2"))
}

/// The second field is the process's own choice and may hold spaces and parentheses; behind the last
/// parenthesis everything is the kernel's.
fn start_field(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let behind = str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    // The first field behind the name is field 3.
    behind.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

/// `Uid:` has the real, the effective, the saved and the file system's id. A name with a line break stands
/// escaped.
fn effective_uid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn unified_line(lines: &[u8]) -> Option<PathBuf> {
    lines
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"0::"))
        .map(|path| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{effective_uid, start_field, unified_line};

    #[test]
    fn the_name_of_a_process_cannot_pose_as_its_start_time() {
        let stat = |name: &str| {
            format!(
                "77 ({name}) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 2 3 4 5 6 7\n"
            )
        };
        for name in ["cat", "a b", ") R 1 1 1", "x) S 0 0 (y", "\u{1b}[2J", ""] {
            assert_eq!(start_field(stat(name).as_bytes()), Some(4242), "{name:?}");
        }
        assert_eq!(start_field(b""), None);
        assert_eq!(start_field(b"77 (cat"), None);
        assert_eq!(start_field(b"77 (cat) S 1 2 3"), None);
    }

    #[test]
    fn the_effective_id_counts() {
        let status = "Name:\tx\\nUid:\t0\nUid:\t1000\t1001\t1002\t1003\n";
        assert_eq!(effective_uid(status), Some(1001));
        assert_eq!(effective_uid("Name: x\n"), None);
    }

    #[test]
    fn a_hybrid_machine_has_one_line_that_counts() {
        let hybrid = b"9:name=systemd:/v1\n4:memory:/v1/0::/no\n0::/user.slice/a\n";
        assert_eq!(
            unified_line(hybrid).as_deref(),
            Some(Path::new("/user.slice/a"))
        );
        assert_eq!(unified_line(b"4:memory:/only/v1\n"), None);
    }
}
