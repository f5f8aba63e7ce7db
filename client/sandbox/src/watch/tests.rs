use std::{fs, path::Path};

use super::{Bound, Watch, scan::Scan, today};
use crate::git::Home;

const ALL: Bound = Bound {
    folders: 1000,
    names: 10_000,
    kept: 1_000_000,
    repositories: 1000,
    index: 1_000_000,
    bytes: 10_000_000,
};

fn repository(root: &Path, name: &str) {
    let folder = root.join(name).join(".git");
    fs::create_dir_all(folder.join("hooks")).unwrap();
    fs::write(folder.join("config"), "[core]\n").unwrap();
    fs::write(folder.join("hooks/pre-commit.sample"), "").unwrap();
}

/// Without settings.
fn nobody() -> Home {
    Home::at(Path::new("/nonexistent"))
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
    let (watch, found) = Watch::begin_within(root, nobody(), ALL).unwrap();
    assert_eq!(found, [root.join("a/.git")]);
    let told = || watch.leftovers_within(ALL).len();
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
    let (watch, found) = Watch::begin_within(root, nobody(), few).unwrap();
    assert!(found.is_empty(), "{found:?}");
    repository(root, "a/new");
    fs::write(root.join("a/changed/.git/config"), "[core]\neditor=x\n").unwrap();
    fs::rename(root.join("a/to-be-moved"), root.join("a/moved")).unwrap();
    let told = watch.leftovers_within(ALL);
    for name in ["changed", "moved", "new"] {
        let is_named = |line: &String| line.contains(&format!("/a/{name}/.git`"));
        assert!(told.iter().any(is_named), "{name}: {told:?}");
    }
}

#[test]
fn what_was_not_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let (watch, _) = Watch::begin_within(root, nobody(), ALL).unwrap();
    for number in 0..15 {
        repository(root, &format!("a/{number}"));
    }
    let told = watch.leftovers_within(ALL);
    assert_eq!(told.len(), 11, "{told:?}");
    assert!(told[10].starts_with("5 more"), "{told:?}");
    assert!(told[10].contains("-name HEAD"), "{told:?}");
    for bound in [
        Bound { folders: 2, ..ALL },
        Bound {
            repositories: 3,
            ..ALL
        },
    ] {
        let told = watch.leftovers_within(bound);
        assert!(told.last().unwrap().contains("too large"), "{told:?}");
    }
}

fn write(path: std::path::PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// However many lead to it. Otherwise an agent would keep whoever looks busy for days.
#[test]
fn a_folder_is_looked_into_once_and_all_of_them_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let large = "a".repeat(50_000);
    for number in 0..20 {
        write(root.join(format!("big/hooks/{number}")), &large);
    }
    for number in 0..200 {
        write(root.join(format!("{number}/.git")), "gitdir: ../big");
    }
    let scan = Scan::of(root, &nobody(), ALL);
    assert!(scan.complete);
    assert_eq!(scan.found.len(), 200);
}

#[test]
fn looks_cost_so_much_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let large = "a".repeat(50_000);
    for number in 0..100 {
        write(root.join(format!("{number}/.git/hooks/x")), &large);
    }
    let bound = Bound {
        bytes: 1_000_000,
        ..ALL
    };
    let scan = Scan::of(root, &nobody(), bound);
    assert!(!scan.complete);
    assert!((10..30).contains(&scan.found.len()));
    let (watch, found) = Watch::begin_within(root, nobody(), bound).unwrap();
    assert_eq!(found.len(), scan.found.len());
    let told = watch.leftovers_within(bound);
    assert!(told[0].contains("too large"), "{told:?}");
}

/// Samples are run by nobody, and what is among thousands of them by git.
#[test]
fn a_hook_is_found_among_however_many_others() {
    for (count, end) in [(3000, ".sample"), (5000, ".sample"), (300, "")] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        repository(root, "a");
        let hooks = root.join("a/.git/hooks");
        for number in 0..count {
            fs::write(hooks.join(format!("{number}{end}")), "").unwrap();
        }
        fs::write(hooks.join("post-commit"), "true").unwrap();
        let (watch, _) = Watch::begin_within(root, nobody(), ALL).unwrap();
        assert_eq!(watch.leftovers_within(ALL).len(), 0);
        fs::write(hooks.join("post-commit"), "evil").unwrap();
        assert_eq!(watch.leftovers_within(ALL).len(), 1, "{count}{end}");
    }
}

#[test]
fn what_settings_name_and_links_lead_to_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    repository(root, "a");
    write(
        root.join("a/.git/config"),
        "[core]\nhooksPath = .husky/_\nfsmonitor = ./tool\n[include]\npath = ../more\n",
    );
    let hook = root.join("a/.git/hooks/post-merge");
    std::os::unix::fs::symlink("../../../script", hook).unwrap();
    let names = ["a/.husky/_/pre-commit", "a/tool", "a/more", "script"];
    for name in names {
        write(root.join(name), "1");
    }
    let (watch, _) = Watch::begin_within(root, nobody(), ALL).unwrap();
    assert_eq!(watch.leftovers_within(ALL).len(), 0);
    for name in names {
        write(root.join(name), "2");
        assert_eq!(watch.leftovers_within(ALL).len(), 1, "{name}");
        write(root.join(name), "1");
    }
}

/// The rebase of the main worktree, which is another folder.
#[test]
fn steps_are_looked_for_where_the_repository_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let common = root.join("main/.git");
    write(common.join("worktrees/w/commondir"), "../..\n");
    write(root.join("w/.git"), "gitdir: ../main/.git/worktrees/w\n");
    let (watch, _) = Watch::begin_within(&root.join("w"), nobody(), ALL).unwrap();
    write(common.join("rebase-merge/git-rebase-todo"), "exec evil\n");
    let told = watch.leftovers_within(ALL);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("main/.git/rebase-merge"), "{told:?}");
}

#[test]
fn steps_that_were_there_are_not_the_agents() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a", "b"] {
        repository(root, name);
    }
    let steps = |name: &str| root.join(name).join(".git/rebase-merge/git-rebase-todo");
    // Which is too large to be read, and a list.
    write(steps("a"), &"x".repeat(2_000_000));
    write(steps("b"), "pick x\n");
    later();
    let few = Bound { folders: 1, ..ALL };
    for bound in [ALL, few] {
        let (watch, _) = Watch::begin_within(root, nobody(), bound).unwrap();
        let told = watch.leftovers_within(ALL);
        assert!(told.is_empty(), "{told:?}");
        later();
        for name in ["a", "b"] {
            let text = fs::read_to_string(steps(name)).unwrap();
            fs::write(steps(name), format!("{text}exec evil\n")).unwrap();
        }
        let told = watch.leftovers_within(ALL);
        assert_eq!(told.len(), 2, "{told:?}");
        later();
    }
}

/// Settings may name as many folders as they have lines, and a folder of hooks may be of many names of one file.
#[test]
fn one_repository_costs_no_more_than_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    repository(root, "a");
    let large = root.join("large");
    fs::write(&large, "a".repeat(50_000)).unwrap();
    fs::create_dir(root.join("hooks")).unwrap();
    for number in 0..200 {
        fs::hard_link(&large, root.join(format!("hooks/{number}"))).unwrap();
    }
    let named = (0..100).map(|number| {
        std::os::unix::fs::symlink("../hooks", root.join(format!("a/{number}"))).unwrap();
        format!("hooksPath={number}\n")
    });
    let text: String = std::iter::once("[core]\n".to_owned())
        .chain(named)
        .collect();
    fs::write(root.join("a/.git/config"), text).unwrap();
    let scan = Scan::of(root, &nobody(), ALL);
    assert!(!scan.complete && scan.found.is_empty());
    assert!(scan.spent < ALL.bytes + 100_000, "{}", scan.spent);
}

/// Of which git reads as much.
#[test]
fn what_leads_to_a_folder_of_gits_is_paid_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..20 {
        let text = format!("gitdir: ../none{}", "\n".repeat(900_000));
        write(root.join(format!("{number}/.git")), &text);
    }
    let scan = Scan::of(root, &nobody(), ALL);
    assert!(!scan.complete);
    assert!(scan.found.len() <= 12, "{}", scan.found.len());
}

#[test]
fn settings_that_are_not_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, complete) in [("", true), ("a", false)] {
        repository(root, name);
        let config = root.join(name).join(".git/config");
        fs::write(config, format!("[core]\n{}", "#".repeat(300_000))).unwrap();
        assert_eq!(Scan::of(root, &nobody(), ALL).complete, complete, "{name}");
    }
}
