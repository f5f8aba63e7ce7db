//! A rebase that the developer is in the middle of, and an agent is called to.

use std::{fs, process::Command};

use crate::house::House;

/// A rebase that stopped in the first of two conflicts, with an `exec` of the developer's own still to come.
fn stopped() -> House {
    let house = House::new();
    let workspace = house.workspace();
    house.git(&workspace, &["init", "-q", "-b", "main"]);
    for (name, value) in [("user.name", "a"), ("user.email", "a@example.com")] {
        house.git(&workspace, &["config", name, value]);
    }
    let commit = |file: &str, text: &str| {
        house.write(file, text);
        house.git(&workspace, &["add", "--all"]);
        house.git(&workspace, &["commit", "-q", "-m", text]);
    };
    commit("f", "0");
    commit("g", "0");
    house.git(&workspace, &["checkout", "-q", "-b", "other"]);
    commit("f", "1");
    commit("g", "1");
    house.git(&workspace, &["checkout", "-q", "main"]);
    commit("f", "2");
    commit("g", "2");
    let output = Command::new("git")
        .args(["rebase", "-q", "--exec", "true", "main", "other"])
        .current_dir(&workspace)
        .env("HOME", house.path("home"))
        .output()
        .expect("git runs");
    assert!(!output.status.success(), "{output:?}");
    assert!(workspace.join(".git/rebase-merge/git-rebase-todo").exists());
    house
}

/// Here and not protected: it may have been asked to.
#[test]
fn an_agent_goes_on_with_a_rebase() {
    let house = stopped();
    let outcome = house.script(
        "echo 3 > f && git add f && GIT_EDITOR=true git rebase --continue; git status --porcelain",
    );
    assert!(outcome.text.contains("UU g"), "{}", outcome.text);
    assert!(outcome.leftovers.is_empty(), "{:?}", outcome.leftovers);
    let outcome =
        house.script("echo 3 > g && git add g && GIT_EDITOR=true git rebase --continue; git log --oneline | wc -l");
    assert!(outcome.text.ends_with("6\n"), "{}", outcome.text);
    assert!(outcome.leftovers.is_empty(), "{:?}", outcome.leftovers);
}

#[test]
fn steps_that_an_agent_adds_are_told() {
    let house = stopped();
    let script = format!(
        "echo 'exec touch {}' >> .git/rebase-merge/git-rebase-todo",
        house.path("home/run").display()
    );
    let told = house.script(&script).leftovers;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("git-rebase-todo"), "{told:?}");
    // Otherwise it would be run.
    house.write("f", "3");
    house.write("g", "3");
    for _ in 0..2 {
        house.git(&house.workspace(), &["add", "--all"]);
        let _ = Command::new("git")
            .args(["-c", "core.editor=true", "rebase", "--continue"])
            .current_dir(house.workspace())
            .output()
            .expect("git runs");
        house.write("g", "3");
    }
    assert!(house.path("home/run").exists());
}

/// What a rebase is done by is as good as what it does.
#[test]
fn a_strategy_that_an_agent_names_is_told() {
    let house = stopped();
    let told = house
        .script("echo evil > .git/rebase-merge/strategy")
        .leftovers;
    assert!(told[0].contains("rebase-merge/strategy`"), "{told:?}");
    fs::remove_dir_all(house.workspace().join(".git/rebase-merge")).expect("a rebase");
    // Larger than anybody would read.
    let told = house
        .script("mkdir .git/sequencer; head -c 2000000 /dev/zero > .git/sequencer/todo")
        .leftovers;
    assert!(told[0].contains("sequencer/todo`"), "{told:?}");
}
