//! Repositories within a workspace, into which git goes by itself.

use std::{fs, path::Path, process::Command};

use crate::house::House;

fn repository(house: &House, name: &str) {
    let folder = house.workspace().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    house.git(&folder, &["init", "-q"]);
    house.git(&folder, &["commit", "-q", "--allow-empty", "-m", "x"]);
}

/// Whether git would run, of these words in the workspace, what the agent said.
fn runs(house: &House, words: &[&str]) -> bool {
    let witness = house.path("home/run");
    let _ = fs::remove_file(&witness);
    house.git(&house.workspace(), words);
    witness.exists()
}

/// With settings that make git leave a witness.
fn script(house: &House, name: &str) -> String {
    format!(
        "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        mkdir -p {name} && git init -q {name} && git -C {name} commit -q --allow-empty -m x
        git -C {name} config core.fsmonitor 'touch {}; false'; git add {name} 2>/dev/null",
        house.path("home/run").display()
    )
}

#[test]
fn one_that_git_would_go_into_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let outcome = house.script(&script(&house, "deep/dep"));
    let told = &outcome.leftovers;
    assert_eq!(told.len(), 1, "{told:?} {}", outcome.text);
    assert!(told[0].contains("/deep/dep/.git`"), "{told:?}");
    assert!(told[0].contains("--ignore-submodules=all"), "{told:?}");
    // As is said there.
    assert!(runs(&house, &["status"]));
    assert!(runs(&house, &["diff"]));
    assert!(!runs(&house, &["status", "--ignore-submodules=all"]));
    assert!(!runs(&house, &["diff", "--ignore-submodules=all"]));
    // Nothing is new to the next one.
    let outcome = house.script("true");
    assert!(outcome.leftovers.is_empty(), "{:?}", outcome.leftovers);
}

#[test]
fn those_that_are_there_cannot_be_changed() {
    let house = House::new();
    let upstream = house.path("home/upstream");
    fs::create_dir(&upstream).expect("a folder");
    house.git(&upstream, &["init", "-q"]);
    house.git(&upstream, &["commit", "-q", "--allow-empty", "-m", "x"]);
    house.git(&house.workspace(), &["init", "-q"]);
    let from = upstream.to_str().expect("a plain path");
    house.git(
        &house.workspace(),
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            from,
            "libs/sub",
        ],
    );
    repository(&house, "dep");
    repository(&house, "not/in/index");
    house.git(&house.workspace(), &["add", "dep"]);
    let before = names(&house.workspace().join("dep/.git"));
    let outcome = house.script(
        "for f in libs/sub/.git dep/.git/config dep/.git/config.worktree dep/.git/commondir dep/.git/hooks/x \
            dep/.git/modules/x not/in/index/.git/config .git/modules/libs/sub/config; do
            (echo evil > $f) 2>/dev/null && echo written $f
        done
        mv libs/sub/.git x; mv libs/sub x && echo moved; mv libs x && echo moved; mv dep x && echo moved
        mv dep/.git x && echo moved; rm -rf dep/.git/hooks not/in/index/.git/config 2>/dev/null
        cd dep && echo a > a && git add a && git -c user.name=a -c user.email=a@b commit -qm a && \
        git log --oneline | wc -l && git -C .. status --porcelain",
    );
    let done = |line: &&str| line.starts_with("written") || line.starts_with("moved");
    let done: Vec<_> = outcome.text.lines().filter(done).collect();
    assert!(done.is_empty(), "{done:?} in {}", outcome.text);
    assert!(outcome.text.contains("\n2\n"), "{}", outcome.text);
    assert!(outcome.leftovers.is_empty(), "{:?}", outcome.leftovers);
    let after = names(&house.workspace().join("dep/.git"));
    let made = |name: &&String| !before.contains(name) && *name != "index";
    assert_eq!(after.iter().find(made), None);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("one")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

/// Where nothing is protected everything is told.
#[test]
fn in_an_open_workspace_every_change_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    for name in ["dep", "other"] {
        repository(&house, name);
    }
    house.git(&house.workspace(), &["add", "dep"]);
    let script = format!(
        "{}; git config core.editor evil; git -C other status; echo gitdir: ../dep/.git > file; mkdir new; mv file new/.git",
        script(&house, "dep")
    );
    let mut room = house.room(&script);
    room.workspace.protected.clear();
    let told = house.run(&room).leftovers;
    assert_eq!(told.len(), 3, "{told:?}");
    for name in ["project/.git`", "dep/.git`", "new/.git`"] {
        assert!(told.iter().any(|line| line.contains(name)), "{told:?}");
    }
    assert!(runs(&house, &["status"]));
}

/// Also one without a `.git`: git is content with its parts, wherever it is run.
#[test]
fn a_folder_that_git_takes_for_a_repository_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let outcome = house.script(
        "mkdir -p src/objects src/refs; echo ref: refs/heads/x > src/HEAD
        git config -f src/config core.worktree .; git config -f src/config core.bare false",
    );
    assert!(
        outcome.leftovers[0].contains("/src`"),
        "{:?}",
        outcome.leftovers
    );
    let output = Command::new("git")
        .args(["rev-parse", "--git-dir"])
        .current_dir(house.workspace().join("src"))
        .output()
        .expect("git runs");
    assert_eq!(output.stdout, b".\n");
}

#[test]
fn those_that_are_too_many_are_told_and_watched() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    for number in 0..12 {
        repository(&house, &format!("{number}"));
    }
    let script = "for n in 0 1 2 3 4 5 6 7 8 9 10 11; do (echo >> $n/.git/config) 2>/dev/null && echo $n; done";
    let mut sandbox = house.start(&house.room(script));
    let notes = sandbox.notes().join("\n");
    assert!(notes.contains("more repositories"), "{notes}");
    let told = sandbox.wait().expect("it ends").leftovers;
    let written: Vec<String> = house.text().lines().map(Into::into).collect();
    assert!(!written.is_empty() && written.len() < 12, "{written:?}");
    assert_eq!(told.len(), written.len(), "{told:?}");
}
