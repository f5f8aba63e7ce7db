//! What git's settings name that git then runs or reads settings from.

use std::path::{Component, Path, PathBuf};

/// Keys whose value is a path or a command, in lower case. `path` is that of an `include`.
const KEYS: &[&str] = &[
    "askpass",
    "clean",
    "cmd",
    "command",
    "driver",
    "editor",
    "fsmonitor",
    "gitproxy",
    "helper",
    "hookspath",
    "pager",
    "path",
    "process",
    "program",
    "smudge",
    "sshcommand",
    "textconv",
];

/// A path that is named, and whether an agent that makes it has it used: of commands git takes a missing one as an
/// error, and somebody sees it.
pub(super) type Named = (PathBuf, bool);

/// The paths below the workspace that `text` names, relative to it: text of a file of git's settings in `folder`.
/// What is relative is so to the workspace, and of an `include` to the file's own folder.
pub(super) fn named(text: &str, folder: &Path, workspace: &Path) -> Vec<Named> {
    let mut found = Vec::new();
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            section = head.split([']', ' ', '"']).next().unwrap_or_default();
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let key = key.trim().to_ascii_lowercase();
        if !KEYS.contains(&key.as_str()) {
            continue;
        }
        let is_include = section.to_ascii_lowercase().starts_with("include");
        let root = if is_include { folder } else { workspace };
        let value = value.trim().trim_start_matches('!').trim_matches('"');
        let first = value.split([' ', '"', '\'', ';', '#']).next();
        let silent = matches!(key.as_str(), "hookspath" | "path");
        let path = first.and_then(|word| below(workspace, &root.join(word)));
        found.extend(path.map(|path| (path, silent)));
    }
    found
}

/// A path that leads below the workspace, without what goes back in it.
fn below(workspace: &Path, path: &Path) -> Option<PathBuf> {
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
    let relative = plain.strip_prefix(workspace).ok()?;
    (relative.components().next().is_some()).then(|| relative.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::named;

    #[test]
    fn what_would_be_run_or_read_is_found_where_it_is_in_the_workspace() {
        let text = r#"
[core]
	hooksPath = .githooks
	fsmonitor = ./tools/../tools/watch --all ; a comment
	sshCommand = ssh -o A=b
	pager = /usr/bin/less
[branch "main"]
	remote = origin
	path = .
[includeIf "gitdir:~/"]
	path = ../shared.gitconfig
[filter "x"]
	clean = "/a/shop/bin/clean" %f
[alias]
	command = !scripts/do it
	away = ../../etc
"#;
        let found = named(text, Path::new("/a/shop/.git"), Path::new("/a/shop"));
        let expected = [
            (".githooks", true),
            ("tools/watch", false),
            ("ssh", false),
            ("shared.gitconfig", true),
            ("bin/clean", false),
            ("scripts/do", false),
        ];
        assert_eq!(found, expected.map(|(path, silent)| (path.into(), silent)));
    }
}
