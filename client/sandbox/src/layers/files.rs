//! Landlock: what may be written, decided again by other code of the kernel's than the one that mounts.
//!
//! It also keeps the agent's processes from looking into, and signalling, the two of bubblewrap that are
//! in the room with them.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::layers::Landlock;

/// The newest that was tried with this: what later ones add is not asked for unseen.
const TRIED: ABI = ABI::V7;

/// Everything may be read and run; below `writable` everything may be changed, but no device made.
pub(crate) fn restrict(writable: &[impl AsRef<Path>]) -> Result<Landlock, RulesetError> {
    let all = AccessFs::from_all(TRIED);
    let read = AccessFs::from_read(TRIED);
    let change = all & !make_bitflags!(AccessFs::{MakeChar | MakeBlock | IoctlDev});
    let device = make_bitflags!(AccessFs::{WriteFile | Truncate | IoctlDev});
    let mut rules = Ruleset::default()
        .handle_access(all)?
        .scope(Scope::from_all(TRIED))?
        .create()?;
    rules = allow(rules, Path::new("/"), read)?;
    rules = allow(rules, Path::new("/dev"), read | device)?;
    rules = allow(rules, Path::new("/dev/shm"), change)?;
    for path in writable {
        rules = allow(rules, path.as_ref(), change)?;
    }
    for descriptor in [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ] {
        rules = allow_again(rules, descriptor)?;
    }
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Landlock::Full,
        RulesetStatus::PartiallyEnforced => Landlock::Partial,
        RulesetStatus::NotEnforced => Landlock::None,
    })
}

/// What is not there needs no rule: nobody can make it either.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(rules);
    };
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(TRIED)
    };
    rules.add_rule(PathBeneath::new(opened, access))
}

/// What the agent was given open it may open again, as `> /dev/stderr` does. Such a file is the host's,
/// at a path that the room does not have.
fn allow_again(
    mut rules: RulesetCreated,
    descriptor: BorrowedFd<'_>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(flags) = fcntl_getfl(descriptor) else {
        return Ok(rules);
    };
    let read = make_bitflags!(AccessFs::{ReadFile | IoctlDev});
    let write = make_bitflags!(AccessFs::{WriteFile | Truncate | IoctlDev});
    let access = match flags & OFlags::RWMODE {
        OFlags::RDONLY => read,
        OFlags::WRONLY => write,
        _ => read | write,
    };
    // Pipes and sockets have no rules and need none: what the kernel refuses here it does not restrict.
    let _ = (&mut rules).add_rule(PathBeneath::new(descriptor.as_fd(), access));
    Ok(rules)
}
