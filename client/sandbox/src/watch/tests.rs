use std::{fs, path::Path};

use super::{Bound, Watch, today};

const ALL: Bound = Bound {
    folders: 1000,
    names: 10_000,
    repositories: 1000,
    index: 1_000_000,
};

fn repository(root: &Path, name: &str) {
    let folder = root.join(name).join(".git");
    fs::create_dir_all(folder.join("hooks")).unwrap();
    fs::write(folder.join("config"), "[core]\n").unwrap();
    fs::write(folder.join("hooks/pre-commit.sample"), "").unwrap();
}

/// Until files get another date.
fn later() {
    let before = today().unwrap();
    while today().unwrap() == before {}
}

#[test]
fn what_is_told_is_what_makes_git_run_something() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    repository(root, "a");
    let (watch, found) = Watch::begin_within(root, ALL).unwrap();
    assert_eq!(found, [root.join("a/.git")]);
    let told = || watch.leftovers_within(false, ALL).len();
    fs::write(root.join("a/.git/index"), "").unwrap();
    fs::write(root.join("a/.git/commondir"), ".").unwrap();
    fs::write(root.join("a/.git/config.worktree"), "").unwrap();
    fs::write(root.join("a/.git/hooks/post-commit.sample"), "").unwrap();
    assert_eq!(told(), 0);
    for (name, text, and_back) in [
        ("config", "[core]\neditor = x\n", "[core]\n"),
        ("config.worktree", "[core]\n", ""),
        ("commondir", "../b", "."),
    ] {
        fs::write(root.join("a/.git").join(name), text).unwrap();
        assert_eq!(told(), 1, "{name}");
        fs::write(root.join("a/.git").join(name), and_back).unwrap();
        assert_eq!(told(), 0, "{name}");
    }
    fs::write(root.join("a/.git/hooks/post-commit"), "").unwrap();
    assert_eq!(told(), 1);
}

/// In a tree that is too large to be looked through at the start, what was there is not taken for new.
#[test]
fn what_was_not_come_across_goes_by_its_date() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a/old", "a/changed", "a/to-be-moved"] {
        repository(root, name);
    }
    later();
    let few = Bound { folders: 1, ..ALL };
    let (watch, found) = Watch::begin_within(root, few).unwrap();
    assert!(found.is_empty(), "{found:?}");
    repository(root, "a/new");
    fs::write(root.join("a/changed/.git/config"), "[core]\neditor=x\n").unwrap();
    fs::rename(root.join("a/to-be-moved"), root.join("a/moved")).unwrap();
    let told = watch.leftovers_within(false, ALL);
    for name in ["changed", "moved", "new"] {
        let is_named = |line: &String| line.contains(&format!("/a/{name}/.git`"));
        assert!(told.iter().any(is_named), "{name}: {told:?}");
    }
}

#[test]
fn what_was_not_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (watch, _) = Watch::begin_within(root, ALL).unwrap();
    for number in 0..15 {
        repository(root, &format!("a/{number}"));
    }
    let told = watch.leftovers_within(false, ALL);
    assert_eq!(told.len(), 11, "{told:?}");
    assert!(told[10].starts_with("5 more"), "{told:?}");
    for bound in [
        Bound { folders: 2, ..ALL },
        Bound {
            repositories: 3,
            ..ALL
        },
    ] {
        let told = watch.leftovers_within(false, bound);
        assert!(told.last().unwrap().contains("too large"), "{told:?}");
    }
}
