//! The filter of system calls: what no agent needs and somebody has broken out with, or could.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword,
    SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

const NOT_PERMITTED: u32 = libc::EPERM as u32;
const NOT_THERE: u32 = libc::ENOSYS as u32;

/// Refused whatever their arguments are.
const REFUSED: &[i64] = &[
    // Looking into other processes, and at what the kernel keeps of them.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // The kernel's keyrings know nothing of namespaces (`tests/e2e/tests/it/sandbox.rs` shows the theft).
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Much code of the kernel's that an agent needs nothing of.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    // Another file system than the one that was given.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Other namespaces. `clone` is below.
    libc::SYS_unshare,
    libc::SYS_setns,
    // The machine itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_syslog,
    LOOKUP_DCOOKIE,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
];

/// Since Linux 6.15, one number for all architectures.
const OPEN_TREE_ATTR: i64 = 467;
/// Gone since Linux 6.8.
const LOOKUP_DCOOKIE: i64 = if cfg!(target_arch = "x86_64") {
    212
} else {
    18
};

/// Said not to be there, for which callers have another way: the flags of `clone3` are in memory, where
/// no filter can read them, and the C library falls back to `clone`.
const ABSENT: &[i64] = &[libc::SYS_clone3];

/// The flags of `clone` that make a namespace.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// The kinds of sockets that there are in a room. Among those that there are not: `AF_VSOCK` (which goes
/// past the network namespace to the machine's host), `AF_ALG`, `AF_PACKET`.
const SOCKETS: [i32; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Closes this process and every one that it starts. It may not be the only thread: the others stay open.
pub(crate) fn restrict() -> Result<(), seccompiler::Error> {
    for program in programs()? {
        seccompiler::apply_filter(&program)?;
    }
    Ok(())
}

fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let absent = ABSENT.iter().map(|&call| (call, Vec::new())).collect();
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    refused.extend(with_arguments()?);
    let mut program = without_x32();
    program.extend(compile(refused, NOT_PERMITTED)?);
    Ok([compile(absent, NOT_THERE)?, program])
}

/// A call of another architecture kills the process; so seccompiler has it.
fn compile(calls: BTreeMap<i64, Vec<SeccompRule>>, errno: u32) -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let action = SeccompAction::Errno(errno);
    SeccompFilter::new(calls, SeccompAction::Allow, action, architecture)?.try_into()
}

fn with_arguments() -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let mut calls = vec![
        (libc::SYS_clone, namespaces()?),
        (libc::SYS_ioctl, terminals()?),
        (libc::SYS_socket, sockets()?),
        (libc::SYS_socketpair, sockets()?),
        (libc::SYS_mknodat, devices(2)?),
    ];
    if cfg!(target_arch = "x86_64") {
        // Number 133; other architectures have `mknodat` alone.
        calls.push((133, devices(1)?));
    }
    Ok(calls)
}

fn namespaces() -> Result<Vec<SeccompRule>, BackendError> {
    let one = |&flag: &i32| {
        let flag = u64::from(flag.cast_unsigned());
        when([(0, Qword, SeccompCmpOp::MaskedEq(flag), flag)])
    };
    NAMESPACES.iter().map(one).collect()
}

/// To type into the terminal that the room shares with whoever started it, and to paste there. The
/// kernel looks at 32 bits of the request.
fn terminals() -> Result<Vec<SeccompRule>, BackendError> {
    const TIOCLINUX: u64 = 0x541c;
    [libc::TIOCSTI, TIOCLINUX]
        .into_iter()
        .map(|request| when([(1, Dword, SeccompCmpOp::Eq, request)]))
        .collect()
}

fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
    /// The old way to `AF_PACKET`.
    const PACKET: u64 = 10;
    const KIND: SeccompCmpOp = SeccompCmpOp::MaskedEq(0xf);
    let is = |domain: i32| (0, Dword, SeccompCmpOp::Eq, number(domain));
    Ok(vec![
        when(SOCKETS.map(|domain| (0, Dword, SeccompCmpOp::Ne, number(domain))))?,
        when([is(libc::AF_INET), (1, Dword, KIND, number(libc::SOCK_RAW))])?,
        when([is(libc::AF_INET6), (1, Dword, KIND, number(libc::SOCK_RAW))])?,
        when([(1, Dword, KIND, PACKET)])?,
        // Of netlink only the list of interfaces and addresses.
        when([
            is(libc::AF_NETLINK),
            (2, Dword, SeccompCmpOp::Ne, number(libc::NETLINK_ROUTE)),
        ])?,
    ])
}

fn devices(argument: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let kind = SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT));
    [libc::S_IFCHR, libc::S_IFBLK]
        .into_iter()
        .map(|device| when([(argument, Dword, kind.clone(), u64::from(device))]))
        .collect()
}

/// The calls of x32 have the architecture of the others, and numbers of their own from here on.
fn without_x32() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    let step = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    vec![
        step(LOAD_WORD, 0, 0),
        step(AT_LEAST, 1, 0x4000_0000),
        step(RETURN, 0, libc::SECCOMP_RET_ERRNO | NOT_PERMITTED),
    ]
}

type Condition = (u8, seccompiler::SeccompCmpArgLen, SeccompCmpOp, u64);

/// All of these at once.
fn when<const N: usize>(conditions: [Condition; N]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions
        .into_iter()
        .map(|(argument, length, how, value)| SeccompCondition::new(argument, length, how, value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn number(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}
