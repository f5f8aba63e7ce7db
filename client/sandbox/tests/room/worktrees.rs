//! Workspaces whose git is elsewhere, or says that it is.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
};

use valetkey_sandbox::Sandbox;

use crate::house::House;

/// Of a bare one, whose folder has its working trees too.
#[test]
fn a_repository_with_other_working_trees_in_it_is_not_shown() {
    let house = House::new();
    let bare = house.workspace();
    house.git(&bare, &["init", "-q", "--bare"]);
    for name in ["one", "two"] {
        house.git(&bare, &["worktree", "add", "-q", "--orphan", name]);
    }
    let script = format!(
        "cd {}; for f in two/.git two/.envrc one/.git; do (echo evil > $f) 2>/dev/null && echo written $f; done; ls",
        bare.display()
    );
    let mut room = house.room(&script);
    room.workspace.path = bare.join("one");
    let mut sandbox = house.start(&room);
    let notes = sandbox.notes().to_vec();
    sandbox.wait().expect("it ends");
    assert_eq!(house.text(), "one\n");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("git worktree move"), "{notes:?}");
}

#[test]
fn what_git_was_told_to_run_is_protected_where_its_folder_is_not_shown() {
    let house = House::new();
    let workspace = house.workspace();
    house.git(&workspace, &["init", "-q", "--separate-git-dir=../apart"]);
    house.git(&workspace, &["config", "core.hooksPath", ".githooks"]);
    let outcome = house.script("mkdir -p .githooks && echo evil > .githooks/pre-commit");
    assert_ne!(outcome.status, 0);
    assert!(!workspace.join(".githooks").exists());
}

#[test]
fn what_a_profile_protects_of_git_is_protected_where_git_is() {
    let house = House::new();
    let common = house.worktrees(&["../project"]).join(".git");
    fs::write(common.join("worktrees/project/notes"), "mine").expect("a file");
    let script = format!(
        "for f in info/exclude worktrees/project/notes; do (echo evil > {}/$f) 2>/dev/null && echo written $f; done",
        common.display()
    );
    let mut room = house.room(&script);
    let paths = [".git/info/exclude", ".git/notes"].map(Into::into);
    room.workspace.protected.extend(paths);
    assert_eq!(house.run(&room).text, "");
}

/// As git writes it from 2.48 on, if it is told to.
#[test]
fn a_worktree_may_be_named_relatively() {
    let house = House::new();
    let common = house.worktrees(&["../project"]).join(".git");
    let back = "../../../../project/.git\n";
    fs::write(common.join("worktrees/project/gitdir"), back).expect("a file");
    house.write(".git", "gitdir: ../repository/.git/worktrees/project\n");
    let mut sandbox = house.start(&house.room("git status --porcelain"));
    assert!(sandbox.notes().is_empty(), "{:?}", sandbox.notes());
    assert_eq!(sandbox.wait().expect("it ends").status, 0);
}

/// An agent can make as many as it likes, and the next room is made all the same.
#[test]
fn worktrees_without_number_are_closed_as_a_whole() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    for number in 0..2000 {
        let folder = format!(".git/worktrees/{number}");
        fs::create_dir_all(house.workspace().join(folder)).expect("a folder");
    }
    let script = "for n in 0 1999 new; do mkdir -p .git/worktrees/$n 2>/dev/null; (echo evil > .git/worktrees/$n/commondir) 2>/dev/null && echo written; done";
    let mut sandbox = house.start(&house.room(script));
    let notes = sandbox.notes().to_vec();
    sandbox.wait().expect("it ends");
    assert_eq!(house.text(), "");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("/.git/worktrees`"), "{notes:?}");
    assert!(notes[0].contains("git worktree prune"), "{notes:?}");
}

/// Each is protected as it is, and a link cannot be.
#[test]
fn worktrees_with_a_link_among_them_are_closed_as_a_whole() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let worktrees = house.workspace().join(".git/worktrees");
    fs::create_dir_all(worktrees.join("b")).expect("a folder");
    symlink("x", worktrees.join("a")).expect("a link");
    let script = "mkdir .git/worktrees/x 2>/dev/null && echo made; (echo evil > .git/worktrees/b/commondir) 2>/dev/null && echo written";
    let mut sandbox = house.start(&house.room(script));
    let notes = sandbox.notes().to_vec();
    sandbox.wait().expect("it ends");
    assert_eq!(house.text(), "");
    assert!(notes[0].contains("/.git/worktrees`"), "{notes:?}");
    // Nor can they all together where they are behind one.
    fs::rename(&worktrees, house.workspace().join("w")).expect("moved");
    symlink("../w", &worktrees).expect("a link");
    let error = Sandbox::spawn(&house.room("true")).expect_err("refused");
    assert!(error.to_string().contains(".git/worktrees`"), "{error}");
    assert!(!error.next_step().contains("open"), "{error}");
}

#[test]
fn names_that_are_no_text_are_protected() {
    let house = House::new();
    let name = |start: &str| OsStr::from_bytes(&[start.as_bytes(), b"\xff"].concat()).to_owned();
    house.git(&house.workspace(), &["init", "-q"]);
    let worktree = house.workspace().join(".git/worktrees").join(name(""));
    fs::create_dir_all(worktree).expect("a folder");
    let within = house.workspace().join(name("d"));
    fs::create_dir(&within).expect("a folder");
    house.git(&within, &["init", "-q"]);
    let outcome = house.script(
        "for f in .git/worktrees/*/commondir d*/.git/config; do (echo evil > $f) 2>/dev/null && echo written; done
        for f in d*; do echo fine > $f/other && cat $f/other; done",
    );
    assert_eq!(outcome.text, "fine\n");
}

/// But not the one that the agent is in.
#[test]
fn git_works_in_one_of_too_many_worktrees() {
    let house = House::new();
    let common = house.worktrees(&["../project"]).join(".git");
    for number in 0..100 {
        fs::create_dir(common.join(format!("worktrees/{number}"))).expect("a folder");
    }
    let script = format!(
        "cd {}; (echo evil > {1}/0/commondir) 2>/dev/null && echo written; (echo evil > {1}/project/commondir) 2>/dev/null && echo written
        echo x > f && git add f && git -c user.name=a -c user.email=a@b commit -qm work && git log --oneline | wc -l",
        house.workspace().display(),
        common.join("worktrees").display(),
    );
    assert_eq!(house.script(&script).text, "2\n");
}

/// As those above, in a repository within the workspace.
#[test]
fn settings_without_number_are_not_followed() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let within = house.workspace().join("dep");
    fs::create_dir(&within).expect("a folder");
    house.git(&within, &["init", "-q"]);
    let lines: Vec<String> = (0..4000).map(|number| format!("path={number}")).collect();
    house.write(
        "dep/.git/config",
        &format!("[include]\n{}\n", lines.join("\n")),
    );
    let mut sandbox = house.start(&house.room("ls dep/.git | wc -l"));
    let notes = sandbox.notes().join("\n");
    sandbox.wait().expect("it ends");
    assert!(notes.contains("dep/.git`"), "{notes}");
    let count: usize = house.text().trim().parse().expect("a number");
    assert!(count < 60, "{count}");
}

/// An agent can write those of a repository that it makes; the profile is not to blame.
#[test]
fn settings_that_cannot_be_protected_are_told_as_gits() {
    let many: Vec<String> = (0..4000).map(|number| format!("path={number}")).collect();
    let long = format!("path={}", "x".repeat(300));
    for lines in [many.join("\n"), long, "path=../link".to_owned()] {
        let house = House::new();
        house.git(&house.workspace(), &["init", "-q"]);
        symlink("elsewhere", house.workspace().join("link")).expect("a link");
        house.write(".git/config", &format!("[include]\n{lines}\n"));
        let error = Sandbox::spawn(&house.room("true")).expect_err("refused");
        assert!(error.next_step().contains("--show-origin"), "{error}");
        assert!(!error.next_step().contains("open"), "{error}");
    }
}

/// Nothing is made for one in what only says that it is git's.
#[test]
fn a_folder_that_is_no_repository_is_the_agents() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.write("dep/.git", "gitdir: ..\n");
    house.write("config/x", "mine");
    let mut sandbox = house.start(&house.room("echo fine > config/x; cat config/x; ls"));
    let notes = sandbox.notes().join("\n");
    sandbox.wait().expect("it ends");
    assert!(house.text().starts_with("fine\n"), "{}", house.text());
    assert!(!house.text().contains("hooks"), "{}", house.text());
    assert!(notes.contains("dep/.git`"), "{notes}");
}

#[test]
fn what_is_too_much_to_protect_is_said() {
    let house = House::new();
    let mut room = house.room("true");
    room.workspace.protected = (0..2000).map(|number| format!("{number}").into()).collect();
    let error = Sandbox::spawn(&room).expect_err("too many");
    assert!(error.to_string().contains("too many places"), "{error}");
    assert_eq!(fs::read_dir(house.workspace()).expect("it").count(), 0);
    // Few, with long names.
    let long = ["x".repeat(200).as_str(); 15].join("/");
    room.workspace.protected = (0..60)
        .map(|number| format!("{long}/{number}").into())
        .collect();
    fs::create_dir_all(house.workspace().join(long)).expect("folders");
    let error = Sandbox::spawn(&room).expect_err("too long");
    assert!(error.to_string().contains("too many places"), "{error}");
}
