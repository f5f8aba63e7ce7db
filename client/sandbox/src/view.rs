//! What there is to see in a room: only what is listed here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    environment,
    error::{Error, shown},
    etc,
    identity::{Identity, Seen},
    options::Options,
    places,
    protect::Protection,
    room::{HOME, PROGRAMS, Room, SOCKETS},
    trust,
};

/// Namespaces of its own of every kind, of which it can make no more, and no capability in any.
const APART: &[&str] = &[
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
    "--cap-drop",
    "ALL",
    "--hostname",
    "valetkey",
    "--die-with-parent",
];

/// A room as bubblewrap is to make it.
pub(crate) struct View {
    pub(crate) options: Options,
    pub(crate) protection: Protection,
    /// Below what the agent may write.
    pub(crate) writable: Vec<PathBuf>,
    /// What was looked at of what an agent could change.
    pub(crate) seen: Seen,
}

/// Looks at everything that `room` names, and makes the places in the workspace that are to be protected.
pub(crate) fn of(room: &Room) -> Result<View, Error> {
    let workspace = places::workspace(&room.workspace.path, &room.private)?;
    let mut seen = Seen::default();
    seen.add(&workspace, identity(&workspace)?);
    let mut options = Options::default();
    options.flag(APART);
    system(&mut options)?;
    let mut writable: Vec<PathBuf> = ["/tmp", "/var/tmp", HOME].map(PathBuf::from).into();
    for folder in &writable {
        options.two("--perms", "0700", "--tmpfs");
        options.flag(&[&folder.to_string_lossy()]);
    }
    own(&mut options, room);
    let mut protection = if room.workspace.writable {
        Protection::of(&workspace, &room.workspace.protected, &room.private)?
    } else {
        Protection::default()
    };
    for path in protection.mounts.keys() {
        seen.add(path, identity(path)?);
    }
    for mount in &room.mounts {
        let host = places::mount(&mount.host, &mount.inside, &room.private)?;
        seen.add(&mount.inside, identity(&host)?);
        if mount.inside.starts_with(&workspace) {
            return Err(Error::Plan("a path to show that is in the workspace"));
        }
        if mount.writable {
            keeps_protection(&host, &workspace, &protection)?;
            note_links(&host, &mut protection);
            options.bind(&host, &mount.inside);
            writable.push(mount.inside.clone());
        } else {
            options.read_only(&host, &mount.inside);
        }
    }
    show_workspace(&mut options, room, &workspace, &protection);
    if room.workspace.writable {
        writable.push(workspace.clone());
        writable.extend(written(&protection));
    }
    environment::add(&mut options, room)?;
    if let Some(authority) = &room.authority {
        trust::add(&mut options, authority)?;
    }
    // Last, when every place for a mount has been made.
    options.flag(&["--remount-ro", "/", "--chdir"]);
    options.flag(&[workspace
        .to_str()
        .ok_or(Error::Plan("a workspace whose path is not UTF-8"))?]);
    Ok(View {
        options,
        protection,
        writable,
        seen,
    })
}

fn identity(path: &Path) -> Result<Identity, Error> {
    Identity::of(path).map_err(|error| {
        let next_step = "look at what is there; if it changed just now, try again";
        Error::place(path, error.to_string(), next_step)
    })
}

/// By a second way to it, what is read-only could be written.
fn keeps_protection(host: &Path, workspace: &Path, protection: &Protection) -> Result<(), Error> {
    let protected = protection.mounts.keys().map(PathBuf::as_path);
    let mut kept = protected.chain([workspace]);
    if kept.any(|path| path.starts_with(host) || host.starts_with(path)) {
        return Err(Error::place(
            host,
            "the workspace is shown with parts of it read-only, and this would be a second way to it",
            "show it read-only, or another folder",
        ));
    }
    Ok(())
}

/// What a link leads to that others follow is as good as the link.
fn note_links(host: &Path, protection: &mut Protection) {
    let mut others = protection.outside.iter();
    let is_there =
        |(_, target): &&(PathBuf, PathBuf)| target.starts_with(host) || host.starts_with(target);
    if let Some((link, target)) = others.find(is_there) {
        protection.notes.push(format!(
            "`{}` leads to `{}`, which the agent may change: replace the link by what it leads to, or let the profile show that as `readable`",
            shown(link),
            shown(target)
        ));
    }
}

fn system(options: &mut Options) -> Result<(), Error> {
    options.flag(&["--ro-bind", "/usr", "/usr"]);
    for name in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
        show(options, Path::new(name))?;
    }
    let etc = Path::new("/etc");
    for name in etc::SHOWN {
        show(options, &etc.join(name))?;
    }
    for entry in fs::read_dir(etc).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let starts = |prefix: &&str| name.to_string_lossy().starts_with(prefix);
        if etc::SHOWN_BY_PREFIX.iter().any(starts) {
            show(options, &entry.path())?;
        }
    }
    options.copy(etc::HOSTS.as_bytes(), &etc.join("hosts"))?;
    show(options, Path::new("/opt"))?;
    options.flag(&["--proc", "/proc", "--dev", "/dev"]);
    // To the kernel root is root there, whatever its namespaces: it could set the host's values.
    options.flag(&["--ro-bind", "/proc/sys", "/proc/sys"]);
    Ok(())
}

/// As the host has it, read-only: a link into `/usr` stays a link, because `/etc/localtime` is read as
/// one and `/bin` may be one.
fn show(options: &mut Options, path: &Path) -> Result<(), Error> {
    const SMALL: u64 = 256 * 1024;
    let Ok(facts) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if facts.is_symlink()
        && let Ok(target) = fs::read_link(path)
        && fs::canonicalize(path).is_ok_and(|real| real.starts_with("/usr"))
    {
        options.symlink(&target, path);
    } else if facts.is_file()
        && facts.len() <= SMALL
        && let Ok(content) = fs::read(path)
    {
        options.copy(&content, path)?;
    } else if path.exists() {
        options.read_only(path, path);
    }
    Ok(())
}

fn own(options: &mut Options, room: &Room) {
    options.read_only(&room.init, &Path::new(PROGRAMS).join("valetkey"));
    if let Some(folder) = room.socket.as_ref().and_then(|socket| socket.parent()) {
        options.read_only(folder, Path::new(SOCKETS));
    }
}

fn show_workspace(options: &mut Options, room: &Room, workspace: &Path, protection: &Protection) {
    if !room.workspace.writable {
        return options.read_only(workspace, workspace);
    }
    options.bind(workspace, workspace);
    for (path, &writable) in &protection.mounts {
        if writable {
            options.bind(path, path);
        } else {
            options.read_only(path, path);
        }
    }
}

/// What is writable outside of the workspace: the repository of a linked worktree.
fn written(protection: &Protection) -> impl Iterator<Item = PathBuf> {
    let writable = protection.mounts.iter().filter(|&(_, &writable)| writable);
    writable.map(|(path, _)| path.clone())
}
