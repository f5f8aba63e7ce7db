//! What git's settings name in a workspace that git then runs or reads settings from.

mod lookups;

use std::{
    collections::BTreeSet,
    os::unix::fs::PermissionsExt as _,
    path::{Component, Path, PathBuf},
};

use self::lookups::Lookups;
use super::{
    Home, Setting,
    command::{Role, words},
    read::real,
};

/// Last parts of keys whose value is a program or a command.
const COMMANDS: &[&str] = &[
    "alternaterefscommand",
    "askpass",
    "authorsprog",
    "cccmd",
    "clean",
    "cmd",
    "command",
    "defaultkeycommand",
    "difffilter",
    "driver",
    "editor",
    "external",
    "fsmonitor",
    "gitproxy",
    "headercmd",
    "helper",
    "httpd",
    "packobjectshook",
    "pager",
    "path",
    "process",
    "program",
    "receivepack",
    "recentobjectshook",
    "sendmailcmd",
    "smtpserver",
    "smudge",
    "sshcommand",
    "textconv",
    "tocmd",
    "tunnel",
    "uploadpack",
    "virtualfilesystem",
];
/// Last parts of keys whose value is one behind a mark of its own.
const MARKED: &[(&str, &str)] = &[("pushurl", "ext::"), ("update", "!"), ("url", "ext::")];
/// Sections with a command for each of git's.
const SECTIONS: &[(&str, &str)] = &[("alias.", "!"), ("pager.", "")];
/// Keys whose value is a folder with what is run.
const FOLDERS: &[&str] = &["core.hookspath", "init.templatedir"];

/// A path in a workspace, relative to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    /// Whether an agent that makes it has it used: of commands git takes a missing one as an error, and somebody sees
    /// it.
    pub(crate) is_silent: bool,
    /// Whether git reads it, and takes a folder there for an error.
    pub(crate) is_read: bool,
}

/// All that settings name.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) named: Vec<Named>,
    /// Whether there is no more.
    pub(crate) complete: bool,
    /// What it took, as if so many bytes were read.
    pub(crate) cost: u64,
}

/// What it takes to look up one path, as if so many bytes were read.
const LOOKUP: u64 = 256;

/// Where git is used in `root`, of which what is relative is relative to.
pub(super) fn of(settings: &[Setting], root: &Path, workspace: &Path, home: &Home) -> Names {
    let mut found = BTreeSet::new();
    let mut lookups = Lookups::of(workspace);
    let mut add = |path: PathBuf, is_silent: bool, is_read: bool, lookups: &mut Lookups<'_>| {
        let path = lookups
            .below(path)
            .filter(|path| is_silent || lookups.facts(workspace.join(path)).is_some());
        found.extend(path.map(|path| Named {
            path,
            is_silent,
            is_read,
        }));
    };
    for path in home.files() {
        add(path, true, true, &mut lookups);
    }
    let mut file = None;
    for setting in settings {
        // All of a file's have the same.
        if file != setting.file.as_ref() {
            file = setting.file.as_ref();
            if let Some(file) = file {
                add(file.clone(), true, true, &mut lookups);
            }
        }
        if let Some(path) = setting.included(home) {
            add(path, true, true, &mut lookups);
        }
        if FOLDERS.contains(&setting.key.as_str()) {
            let path = root.join(home.expanded(&setting.value));
            add(path, true, false, &mut lookups);
        }
        let Some(command) = command(setting) else {
            continue;
        };
        // Some are run without a shell, and may have a space in them.
        for path in command
            .contains('/')
            .then(|| command.to_owned())
            .into_iter()
            .chain(run(command, root, home, &mut lookups))
        {
            let path = root.join(home.expanded(&path));
            add(path, false, false, &mut lookups);
        }
    }
    let tally = lookups.end();
    Names {
        named: found.into_iter().collect(),
        complete: tally.complete,
        cost: LOOKUP * tally.spent,
    }
}

fn command(setting: &Setting) -> Option<&str> {
    let (key, value) = (setting.key.as_str(), setting.value.trim());
    let last = key.rsplit('.').next()?;
    let section = SECTIONS
        .iter()
        .find(|(section, _)| key.starts_with(section));
    let marked = MARKED.iter().find(|(name, _)| last == *name);
    match section.or(marked) {
        Some((_, mark)) => value.strip_prefix(mark),
        None if setting.is_include() || !COMMANDS.contains(&last) => None,
        None => Some(value.strip_prefix('!').unwrap_or(value)),
    }
}

/// A program without a slash is looked for in `PATH`, and what is given to one is only sometimes run.
fn run(command: &str, root: &Path, home: &Home, lookups: &mut Lookups<'_>) -> Vec<String> {
    let mut counts = |text: &str, role| match role {
        Role::Program => text.contains('/'),
        Role::Script | Role::Argument => {
            let facts = lookups.facts(root.join(home.expanded(text)));
            facts.is_some_and(|facts| {
                let may_run = facts.permissions().mode() & 0o111 != 0;
                facts.is_file() && (role == Role::Script || may_run)
            })
        }
    };
    let words = words(command).into_iter();
    words
        .filter(|word| counts(&word.text, word.role))
        .map(|word| word.text)
        .collect()
}

/// A path that leads below the workspace, without what goes back in it; the workspace may have other names.
pub(crate) fn below(workspace: &Path, path: &Path) -> Option<PathBuf> {
    below_by(workspace, path, real)
}

/// The same, by what `real` says that the real path of a folder is.
fn below_by(
    workspace: &Path,
    path: &Path,
    mut real: impl FnMut(&Path) -> Option<PathBuf>,
) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    let by_name = plain.strip_prefix(workspace).map(Path::to_owned).ok();
    let relative = by_name.or_else(|| {
        let folders: Vec<&Path> = plain.ancestors().collect();
        // Where one is, all of those above are.
        let nearest = folders.partition_point(|folder| real(folder).is_none());
        let above = folders.get(nearest)?;
        let real = real(above)?.join(plain.strip_prefix(above).ok()?);
        real.strip_prefix(workspace).map(Path::to_owned).ok()
    })?;
    (relative.components().next().is_some()).then_some(relative)
}

#[cfg(test)]
mod tests;
