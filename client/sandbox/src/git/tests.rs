use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Home, named, named_by};

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
    let home = Home {
        folder: root.join("user"),
        config: Some(root.join("xdg")),
    };
    let folder = workspace.join(".git");
    for found in [
        named(&workspace, &workspace, &home),
        named_by(Some(&folder), &workspace, &workspace, &home),
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
    assert_eq!(found[0].path, Path::new("hooks"));
}
