use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Home, Whose, folder_of, named, named::Named, named_by};

fn git(folder: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

fn write(path: PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Wherever a setting is, git has it found, and so has who reads the files where there is no git.
#[test]
fn every_place_of_a_setting_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let workspace = root.join("user/shop");
    fs::create_dir_all(&workspace).unwrap();
    git(&workspace, &["init", "-q"]);
    git(&workspace, &["config", "extensions.worktreeConfig", "true"]);
    git(
        &workspace,
        &["config", "--worktree", "core.hooksPath", "by-worktree"],
    );
    write(root.join("user/.gitconfig"), "[core] hooksPath = by-user\n");
    write(
        root.join("xdg/git/config"),
        "[core]hooksPath=by-xdg\n[include]\npath=../../user/more\n[includeIf \"onbranch:other\"]\npath=../../user/other\n",
    );
    write(
        root.join("user/more"),
        "[core]\nhooksPath = by-\\\nincluded\n",
    );
    write(
        root.join("user/other"),
        "[core]\nhooksPath = ~/shop/by-branch\n",
    );
    let home = Home::with(&root.join("user"), |name| {
        (name == "XDG_CONFIG_HOME").then(|| root.join("xdg").into())
    });
    let folder = workspace.join(".git");
    for found in [
        named(&workspace, &workspace, &home).named,
        named_by(Some(&folder), Whose::Within, &workspace, &workspace, &home).named,
    ] {
        let paths: Vec<_> = found.iter().map(|named| named.path.as_path()).collect();
        for expected in ["worktree", "user", "xdg", "included", "branch"] {
            let expected = format!("by-{expected}");
            assert!(
                paths.contains(&Path::new(&expected)),
                "{expected}: {paths:?}"
            );
        }
    }
}

fn has(found: &[Named], path: &str) -> bool {
    found.iter().any(|named| named.path == Path::new(path))
}

/// Of whoever starts the agent, whose git heeds it.
#[test]
fn what_the_environment_says_counts() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let workspace = root.join("shop");
    fs::create_dir_all(&workspace).unwrap();
    git(&workspace, &["init", "-q"]);
    write(root.join("global"), "[core]\nhooksPath = by-global\n");
    write(root.join("system"), "[core]\nhooksPath = by-system\n");
    write(root.join("given"), "[core]\nhooksPath = by-included\n");
    let value = |name: &str| match name {
        "GIT_CONFIG_GLOBAL" => Some(root.join("global").into()),
        "GIT_CONFIG_SYSTEM" => Some(root.join("system").into()),
        "GIT_CONFIG_COUNT" => Some("2".into()),
        "GIT_CONFIG_KEY_0" => Some("Core.hooksPath".into()),
        "GIT_CONFIG_VALUE_0" => Some("by-given".into()),
        "GIT_CONFIG_KEY_1" => Some("include.path".into()),
        "GIT_CONFIG_VALUE_1" => Some(root.join("given").into()),
        _ => None,
    };
    let home = Home::with(&root.join("none"), value);
    let settings = super::ask::settings(&workspace, &home).unwrap();
    for found in [
        super::named::of(&settings, &workspace, &workspace, &home).named,
        named_by(None, Whose::Within, &workspace, &workspace, &home).named,
    ] {
        for name in ["global", "system", "given", "included"] {
            assert!(has(&found, &format!("by-{name}")), "{name}: {found:?}");
        }
    }
}

/// Git itself takes no offence at it.
#[test]
fn settings_that_are_not_all_text_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let text = b"[user]\nname = Ren\xe9\n[core]\nhooksPath = hooks\n";
    fs::write(root.join(".gitconfig"), text).unwrap();
    let home = Home::with(&root, |_| None);
    let workspace = root.join("shop");
    let found = named_by(None, Whose::Within, &workspace, &workspace, &home);
    assert!(has(&found.named, "hooks"));
}

/// Otherwise another folder is protected than the one that git goes to.
#[test]
fn where_a_folder_of_gits_is_goes_by_the_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let many_lines = [b"gitdir: ../g".as_slice(), &[b'\n'; 100_000]].concat();
    for (name, text) in [
        (&b"g"[..], &b"gitdir: ../g\r\n"[..]),
        (b"g ", b"gitdir: ../g \n"),
        (b" g", b"gitdir:  g"),
        (b"g", b"gitdir: ../g\0\n"),
        (b"g\xe9", b"gitdir: ../g\xe9\n"),
        (b"g", &many_lines),
    ] {
        let tree = root.join("tree");
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir(&tree).unwrap();
        let beside = if name == b" g" { &tree } else { &root };
        let expected = beside.join(OsStr::from_bytes(name));
        fs::create_dir_all(&expected).unwrap();
        let folder = expected.as_os_str();
        let output = Command::new("git")
            .args(["init", "-q", "--bare"])
            .arg(folder)
            .output();
        assert!(output.unwrap().status.success());
        fs::write(tree.join(".git"), text).unwrap();
        let said = Command::new("git")
            .args(["rev-parse", "--absolute-git-dir"])
            .current_dir(&tree)
            .output()
            .unwrap();
        assert_eq!(
            said.stdout.strip_suffix(b"\n"),
            Some(expected.as_os_str().as_bytes())
        );
        assert_eq!(folder_of(&tree.join(".git")), Some(expected));
    }
}

/// A folder within a working tree is told by its settings too.
#[test]
fn the_settings_around_a_workspace_count() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let workspace = root.join("packages/a");
    fs::create_dir_all(&workspace).unwrap();
    git(&root, &["init", "-q"]);
    git(&root, &["config", "core.hooksPath", "packages/a/hooks"]);
    assert_eq!(super::around(&workspace), Some(root.as_path()));
    let found = named(&root, &workspace, &Home::at(&root.join("none")));
    assert_eq!(found.named[0].path, Path::new("hooks"));
}

/// An agent can have git take its folder for none.
#[test]
fn large_settings_of_a_workspaces_own_are_read_without_git_too() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    git(&root, &["init", "-q"]);
    let config = root.join(".git/config");
    let branches = "[branch \"a\"]\nremote = origin\n".repeat(3000);
    let text = format!("{branches}[core]\nhooksPath = .githooks\n");
    fs::write(&config, text).unwrap();
    fs::remove_file(root.join(".git/HEAD")).unwrap();
    let home = Home::with(&root.join("none"), |_| None);
    let found = named(&root, &root, &home);
    assert!(found.complete && has(&found.named, ".githooks"));
    fs::write(&config, branches.repeat(20)).unwrap();
    assert!(!named(&root, &root, &home).complete);
}
