//! What a protected folder has of links: what they lead to is as good as what is in it.

use std::{fs, os::unix::fs::symlink};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use valetkey_sandbox::Sandbox;

use crate::house::House;

fn link(house: &House, target: &str, name: &str) {
    let path = house.workspace().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    symlink(target, path).expect("a link");
}

fn repository() -> House {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house
}

/// The one note of a room that is made there, which says all of this.
#[track_caller]
fn told(house: &House, words: &[&str]) {
    let sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    let notes = sandbox.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        words.iter().all(|words| notes[0].contains(words)),
        "{notes:?}"
    );
}

#[test]
fn what_a_link_leads_to_cannot_be_changed() {
    let house = repository();
    for name in ["tools/hook", "tools/all/x", "other/deep", "more/x"] {
        house.write(name, "mine");
    }
    link(&house, "../../tools/hook", ".git/hooks/pre-push");
    link(&house, "../../tools/none", ".git/hooks/post-commit");
    link(&house, "../tools/all", ".vscode/all");
    link(&house, "../../other/deep", ".claude/commands/deep");
    // From within what is closed because a link leads there.
    link(&house, "../../more/x", "tools/all/more");
    let outcome = house.script(
        "for f in tools/hook tools/none tools/all/x other/deep more/x; do
            (echo evil > $f) 2>/dev/null && echo written $f
        done
        mv tools x 2>/dev/null && echo moved
        echo fine > tools/other; echo fine > more/other; cat tools/other
        git add tools/other && git -c user.name=a -c user.email=a@b commit -qm x 2>/dev/null && git log --oneline | wc -l",
    );
    assert_eq!(outcome.text, "fine\n1\n");
    assert!(!house.workspace().join("tools/none").exists());
    let sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    assert!(sandbox.notes().is_empty(), "{:?}", sandbox.notes());
}

#[test]
fn a_link_whose_end_cannot_be_protected_is_told() {
    for (target, others) in [
        ("../../bin/x", &[("../lib/x", "bin/x")][..]),
        ("../../there/x", &[("lib", "there")]),
        ("../../there/../x", &[("lib/deep", "there")]),
        ("../../there/../none", &[("lib/deep", "there")]),
        ("../../lib/deep/../x", &[]),
        ("../..", &[]),
        ("..", &[]),
    ] {
        let house = repository();
        house.write("lib/x", "mine");
        house.write("lib/deep/x", "mine");
        for (target, name) in others {
            link(&house, target, name);
        }
        link(&house, target, ".git/hooks/pre-push");
        told(&house, &["hooks/pre-push`"]);
    }
}

/// It may lead to what the profile shows beside the workspace.
#[test]
fn a_link_to_what_else_can_be_written_is_told() {
    let house = repository();
    let text = |name: &str| house.path(name).display().to_string();
    link(&house, &text("out/hook"), ".git/hooks/pre-push");
    link(&house, &text("home/hook"), ".git/hooks/pre-commit");
    told(&house, &["hooks/pre-push`"]);
}

#[test]
fn a_relative_link_to_what_is_not_there_yet_is_told() {
    let house = repository();
    link(&house, "../../../../out/hook", ".git/hooks/pre-push");
    told(&house, &["hooks/pre-push`"]);
}

#[test]
fn a_link_by_another_name_of_the_workspace_is_told() {
    let house = repository();
    house.write("lib/x", "mine");
    symlink(house.workspace(), house.path("alias")).expect("a link");
    link(&house, "lib", "there");
    let target = house.path("alias/there/x");
    let target = target.to_str().expect("a plain path");
    link(&house, target, ".git/hooks/pre-push");
    told(&house, &["hooks/pre-push`"]);
}

#[test]
fn a_link_that_no_agent_can_turn_is_not_told() {
    let house = repository();
    house.write("lib/x", "mine");
    symlink(house.workspace(), house.path("alias")).expect("a link");
    let target = house.path("alias/lib");
    link(
        &house,
        target.to_str().expect("a plain path"),
        ".claude/lib",
    );
    link(&house, "/usr/bin/../bin/env", ".git/hooks/pre-push");
    let mut sandbox = house.start(&house.room("(echo evil > lib/x) 2>/dev/null && echo written"));
    assert!(sandbox.notes().is_empty(), "{:?}", sandbox.notes());
    sandbox.wait().expect("it ends");
    assert_eq!(house.text(), "");
}

/// Git would wait for a lock that nobody holds.
#[test]
fn nothing_is_made_for_a_link_among_what_is_gits() {
    let house = repository();
    link(&house, "../index.lock", ".git/hooks/pre-push");
    let sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    assert!(!house.workspace().join(".git/index.lock").exists());
    drop(sandbox);
    told(&house, &["hooks/pre-push`"]);
}

/// An agent can make as many as it likes; each has a descriptor for as long as it is held.
#[test]
fn links_to_empty_files_without_number_are_told() {
    let limits = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(1024),
        ..limits
    };
    setrlimit(Resource::Nofile, few).expect("a limit");
    let house = repository();
    for number in 0..1100 {
        house.write(&format!("files/{number}"), "");
        link(
            &house,
            &format!("../../files/{number}"),
            &format!(".git/hooks/{number}"),
        );
    }
    told(&house, &["more links"]);
}

#[test]
fn links_to_long_names_are_told() {
    let house = repository();
    let long = ["x".repeat(200).as_str(); 15].join("/");
    for number in 0..64 {
        house.write(&format!("{long}/{number}"), "mine");
        link(
            &house,
            &format!("../../{long}/{number}"),
            &format!(".git/hooks/{number}"),
        );
    }
    told(&house, &["more links"]);
}

#[test]
fn other_names_are_counted_however_deep_they_are() {
    let house = repository();
    let other = house.write("other", "mine");
    let hooks = house.workspace().join(".git/modules/x/hooks");
    fs::create_dir_all(&hooks).expect("a folder");
    for number in 0..30 {
        fs::hard_link(&other, hooks.join(format!("{number}"))).expect("a link");
    }
    told(&house, &["modules/x/hooks/", "29 more"]);
}

/// What was come across is protected all the same.
#[test]
fn a_folder_that_is_too_large_is_told() {
    let house = House::new();
    for number in 0..20_100 {
        house.write(&format!(".claude/many/{number}"), "");
    }
    house.write("tools/hook", "mine");
    link(&house, "../tools/hook", ".vscode/link");
    let mut sandbox =
        house.start(&house.room("(echo evil > tools/hook) 2>/dev/null && echo written"));
    let notes = sandbox.notes().to_vec();
    sandbox.wait().expect("it ends");
    assert_eq!(house.text(), "");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains(".claude/many`"), "{notes:?}");
}
