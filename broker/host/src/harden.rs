//! Keeps other processes of the same user out of this one.
//!
//! By the kernel's rules every process of a user may read the memory of any other, unless that one is
//! not *dumpable*. Root still can; nothing here pretends otherwise.

use std::fs;

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, socketpair, sockopt},
};
use rustix::{
    fs::Mode,
    process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
        setrlimit, umask,
    },
    thread::{no_new_privs, set_no_new_privs},
};
use valetkey_core::doctor::{Finding, Health};

/// Takes every protection that costs nothing, and says which of them hold. What does not hold is a
/// finding, not an error: whether to go on is the daemon's choice.
///
/// Call it first, before threads exist: `no_new_privs` and the umask would not reach them otherwise.
/// Afterwards files are made for their owner alone, and neither this process nor a child gains rights
/// by starting a set-user-id program.
pub fn harden() -> Vec<Finding> {
    vec![
        memory(),
        core_files(),
        privileges(),
        files(),
        tracer(),
        peers(),
        descriptors(),
    ]
}

/// Refuses ptrace, `/proc/PID/mem` and `pidfd_getfd` to processes of the same user (`PR_SET_DUMPABLE`).
fn memory() -> Finding {
    let done = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let holds = done.and_then(|()| dumpable_behavior());
    judge(
        "memory",
        matches!(holds, Ok(DumpableBehavior::NotDumpable)),
        "closed to other processes of this user",
        "open to other processes of this user",
    )
}

fn core_files() -> Finding {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let done = setrlimit(Resource::Core, none);
    judge(
        "core files",
        done.is_ok() && getrlimit(Resource::Core) == none,
        "never written",
        "may be written, with secrets in them",
    )
}

fn privileges() -> Finding {
    let holds = set_no_new_privs(true).and_then(|()| no_new_privs());
    judge(
        "privileges",
        matches!(holds, Ok(true)),
        "cannot grow",
        "can grow by starting a set-user-id program",
    )
}

fn files() -> Finding {
    umask(Mode::RWXG | Mode::RWXO);
    Finding::well("new files", "made for their owner alone".to_owned())
}

/// Each connection through a sandbox's proxy takes two. The soft limit is low for programs that use `select`,
/// which none here does.
fn descriptors() -> Finding {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limits.maximum,
        maximum: limits.maximum,
    };
    let done = setrlimit(Resource::Nofile, raised);
    let most = getrlimit(Resource::Nofile).current;
    let most = most.map_or_else(
        || "as many as there are".to_owned(),
        |most| most.to_string(),
    );
    judge(
        "open files",
        done.is_ok(),
        &format!("at most {most}"),
        "limited to what this shell allows, which busy proxies exhaust",
    )
}

/// A debugger that was attached before memory was closed keeps what it has.
fn tracer() -> Finding {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))
        .map(str::trim);
    match tracer {
        Some("0") => Finding::well("debugger", "none is attached".to_owned()),
        Some(pid) => Finding::ailing(
            "debugger",
            Health::Ill,
            format!("process {pid} traces the broker and can read every secret"),
            "detach it and start the broker again",
        ),
        None => Finding::ailing(
            "debugger",
            Health::Care,
            "the kernel does not say whether one is attached".to_owned(),
            "mount /proc for the broker",
        ),
    }
}

/// Whether the kernel names the process at the other end of a socket by more than a number.
fn peers() -> Finding {
    let pair = socketpair(
        AddressFamily::Unix,
        SockType::Stream,
        None,
        SockFlag::SOCK_CLOEXEC,
    );
    let named = pair.and_then(|(one, _other)| getsockopt(&one, sockopt::PeerPidfd));
    match named {
        Ok(_) => Finding::well("callers", "known by process, not by number".to_owned()),
        Err(Errno::ENOPROTOOPT) => Finding::ailing(
            "callers",
            Health::Care,
            "known by a number that may be given away between connecting and asking".to_owned(),
            "run Linux 6.5 or newer",
        ),
        Err(error) => Finding::ailing(
            "callers",
            Health::Ill,
            format!("the kernel does not say who connects: {error}"),
            "allow the broker getsockopt with SO_PEERPIDFD",
        ),
    }
}

fn judge(name: &'static str, holds: bool, well: &str, ill: &str) -> Finding {
    if holds {
        Finding::well(name, well.to_owned())
    } else {
        Finding::ailing(
            name,
            Health::Ill,
            ill.to_owned(),
            "see what confines the broker: a seccomp filter or a security module refused the call",
        )
    }
}
