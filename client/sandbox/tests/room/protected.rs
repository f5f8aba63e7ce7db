//! What stays as it is in a writable workspace, however an agent goes about it.

use std::{fs, os::unix::fs::symlink};

use valetkey_sandbox::Sandbox;

use crate::house::House;

#[test]
fn what_others_run_cannot_be_changed() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.write(".git/hooks/pre-commit", "mine");
    house.write(".vscode/tasks.json", "mine");
    house.write(".github/workflows/ci.yml", "mine");
    house.write(".envrc", "mine");
    let outcome = house.script(
        "for f in .git/hooks/pre-commit .git/config .vscode/tasks.json .github/workflows/ci.yml .envrc \
            .git/hooks/new .git/config.worktree .git/modules/x .git/commondir .idea/x .mcp.json .husky/x; do
            (echo evil > $f) 2>/dev/null && echo written $f
            rm -rf $f 2>/dev/null && [ -e $f ] && echo there
        done
        ln .envrc copy && echo linked
        ln -f /tmp/evil .envrc && echo linked
        mv .git .git2 && echo moved; mv .github .github2 && echo moved; mv .envrc x && echo moved
        rmdir .idea && echo removed; rm -rf .git 2>/dev/null
        echo evil > f && mv -f f .envrc && echo moved
        cat .envrc .git/hooks/pre-commit .vscode/tasks.json .github/workflows/ci.yml",
    );
    let done: Vec<_> = outcome
        .text
        .lines()
        .filter(|line| {
            matches!(
                line.split(' ').next(),
                Some("written" | "linked" | "moved" | "removed")
            )
        })
        .collect();
    assert!(done.is_empty(), "{done:?} in {}", outcome.text);
    assert!(
        outcome.text.ends_with("minemineminemine"),
        "{}",
        outcome.text
    );
}

/// What the user's own settings of git have it run is as good as a hook.
#[test]
fn what_git_was_told_to_run_cannot_be_changed() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    for (key, value) in [
        ("core.hooksPath", ".githooks"),
        ("core.fsmonitor", "tools/watch"),
        ("include.path", "../shared.gitconfig"),
    ] {
        house.git(&house.workspace(), &["config", key, value]);
    }
    house.write(".githooks/pre-commit", "mine");
    house.write("tools/watch", "mine");
    house.write("tools/other", "mine");
    let outcome = house.script(
        "for f in .githooks/pre-commit .githooks/post-commit tools/watch shared.gitconfig/x; do
            (echo evil > $f) 2>/dev/null && echo written $f
        done
        echo evil > shared.gitconfig && echo written
        mv tools tools2 && echo moved
        rm -f tools/watch; echo fine > tools/other; cat .githooks/pre-commit tools/watch tools/other",
    );
    assert!(!outcome.text.contains("written"), "{}", outcome.text);
    assert!(!outcome.text.contains("moved"), "{}", outcome.text);
    assert!(outcome.text.ends_with("mineminefine\n"), "{}", outcome.text);
}

/// Git reads what is included, also where there is nothing yet.
#[test]
fn git_works_where_what_is_included_is_missing() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.git(
        &house.workspace(),
        &["config", "include.path", "../shared.gitconfig"],
    );
    let outcome = house.script(
        "git status --porcelain; (echo evil > shared.gitconfig) 2>/dev/null && echo written",
    );
    assert_eq!(outcome.text, "?? shared.gitconfig\n");
    assert!(!house.workspace().join("shared.gitconfig").exists());
}

/// Also where an earlier agent had git take it for none.
#[test]
fn settings_of_what_git_takes_for_no_repository_count() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.git(
        &house.workspace(),
        &["config", "core.hooksPath", ".githooks"],
    );
    let outcome = house.script("mv .git/HEAD .git/HEAD2");
    assert_eq!(outcome.status, 0, "{}", outcome.text);
    let outcome = house.script("mkdir -p .githooks && echo evil > .githooks/pre-commit");
    assert_ne!(outcome.status, 0);
}

/// However they say it.
#[test]
fn what_any_settings_of_git_name_cannot_be_changed() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.write(".git/config.worktree", "[core] hooksPath = .by-worktree\n");
    for (key, value) in [
        ("extensions.worktreeConfig", "true"),
        ("diff.external", "python3 tools/diff.py"),
        ("remote.origin.uploadpack", "tools/pack"),
    ] {
        house.git(&house.workspace(), &["config", key, value]);
    }
    let home = |name: &str, text: &str| {
        fs::write(house.path("home").join(name), text).expect("a file");
    };
    home(
        ".gitconfig",
        "[include] path = more\n[include] path = project/conf/git\n",
    );
    home("more", "[core]\nhooksPath = \\\n  \"~/project/.by-\"user\n");
    house.write("conf/git", "[alias] x = !tools/x\n");
    for name in ["tools/diff.py", "tools/pack", "tools/x"] {
        house.write(name, "mine");
    }
    let outcome = house.script(
        "for f in .by-worktree/x .by-user/x conf/git tools/diff.py tools/pack tools/x; do
            (mkdir -p ${f%/*} && echo evil > $f) 2>/dev/null && echo written $f
        done; echo fine > tools/other; cat tools/other",
    );
    assert_eq!(outcome.text, "fine\n");
}

/// A link cannot be protected, and a program often is one.
#[test]
fn a_link_that_git_was_told_to_run_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    house.git(&house.workspace(), &["config", "alias.x", "!bin/x"]);
    house.write("lib/x", "mine");
    fs::create_dir(house.workspace().join("bin")).expect("a folder");
    symlink("../lib/x", house.workspace().join("bin/x")).expect("a link");
    let sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    assert!(
        sandbox.notes()[0].contains("bin/x"),
        "{:?}",
        sandbox.notes()
    );
}

/// What was made to be protected is gone, and what the agent made is not.
#[test]
fn git_works_and_no_trace_stays() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let before = listing(&house);
    let outcome = house.script(
        "git status --porcelain && echo work > f && git add --all && git status --porcelain && \
         git -c user.name=a -c user.email=a@b commit -qm work && git log --oneline | wc -l && \
         git worktree add -q ../w 2>/dev/null; git branch other && git checkout -q other && git gc -q",
    );
    assert_eq!(outcome.text, "A  f\n1\n");
    assert_eq!(outcome.status, 0);
    assert_eq!(outcome.leftovers, Vec::<String>::new());
    fs::remove_file(house.workspace().join("f")).expect("it was made");
    let after = listing(&house);
    assert_eq!(before, after);
    house.git(&house.workspace(), &["fsck"]);
}

/// Names in the workspace and in its `.git`, but for what git itself makes at work.
fn listing(house: &House) -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["", ".git"] {
        for entry in fs::read_dir(house.workspace().join(folder)).expect("it") {
            names.push(
                entry
                    .expect("one")
                    .file_name()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    let by_git = [
        "COMMIT_EDITMSG",
        "index",
        "logs",
        "packed-refs",
        "ORIG_HEAD",
        "gc.pid",
        "worktrees",
    ];
    names.retain(|name| !by_git.contains(&name.as_str()));
    names.sort();
    names
}

#[test]
fn a_link_is_refused_and_not_followed() {
    let house = House::new();
    let outside = house.path("home/dotfiles");
    fs::create_dir(&outside).expect("a folder");
    symlink(&outside, house.workspace().join(".vscode")).expect("a link");
    let error = Sandbox::spawn(&house.room("true")).expect_err("refused");
    assert!(error.to_string().contains(".vscode"), "{error}");
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(error.next_step().contains("`open`"), "{error}");
    // What had been made before is gone again.
    let left = fs::read_dir(house.workspace()).expect("it").count();
    assert_eq!(left, 1);

    fs::remove_file(house.workspace().join(".vscode")).expect("a link");
    symlink(&outside, house.workspace().join(".github")).expect("a link");
    Sandbox::spawn(&house.room("true")).expect_err("the folder above is one");
}

#[test]
fn paths_that_lead_out_are_refused() {
    let house = House::new();
    for path in ["../x", "/etc/passwd", "", ".", "a/../../x"] {
        let mut room = house.room("true");
        room.workspace.protected = vec![path.into()];
        Sandbox::spawn(&room).expect_err(path);
    }
}

/// Whatever was protected before in it.
#[test]
fn a_folder_is_closed_with_all_that_is_in_it() {
    let house = House::new();
    house.write("a/b/c", "mine");
    let mut room = house.room("(echo evil > a/b/d) 2>/dev/null && echo written");
    room.workspace.protected = ["a/b/c", "a"].map(Into::into).into();
    assert_eq!(house.run(&room).text, "");
}

#[test]
fn another_name_of_a_protected_file_is_told() {
    let house = House::new();
    let envrc = house.write(".envrc", "mine");
    fs::hard_link(envrc, house.workspace().join("other")).expect("a link");
    let sandbox = Sandbox::spawn(&house.room("true")).expect("a room");
    assert!(
        sandbox.notes()[0].contains(".envrc"),
        "{:?}",
        sandbox.notes()
    );
}

#[test]
fn a_repository_made_inside_is_told() {
    let house = House::new();
    let outcome = house.script("git init -q . && echo evil > .git/hooks/post-checkout");
    assert_eq!(outcome.status, 0, "{}", outcome.text);
    assert!(
        outcome.leftovers[0].contains("hooks"),
        "{:?}",
        outcome.leftovers
    );
}

/// Git works in a linked worktree, whose repository is elsewhere; and what that would run by is closed,
/// as are the repository's other worktrees.
#[test]
fn a_linked_worktree_has_its_repository() {
    let house = House::new();
    let repository = house.worktrees(&["../project", "../third"]);
    let common = repository.join(".git");
    let own = common.join("worktrees/project");
    let script = format!(
        "cd {}; for f in config hooks/x config.worktree commondir modules/x worktrees/third/commondir; do
            (echo evil > {common}/$f) 2>/dev/null && echo written $f
        done
        for f in commondir gitdir config.worktree; do (echo evil > {own}/$f) 2>/dev/null && echo written $f; done
        (echo gitdir: /tmp > .git) 2>/dev/null && echo written .git
        mv {own} {common}/worktrees/x 2>/dev/null && echo moved
        mv {common}/worktrees {common}/w 2>/dev/null && echo moved
        echo x > f && git add f && git -c user.name=a -c user.email=a@b commit -qm work && git log --oneline | wc -l",
        house.workspace().display(),
        common = common.display(),
        own = own.display(),
    );
    let outcome = house.script(&script);
    assert_eq!(outcome.text, "2\n", "{:?}", outcome.status);
    house.git(&house.path("home/third"), &["status"]);
    assert!(!common.join("commondir").exists());
}

/// A `.git` that an earlier agent wrote does not show its writer another folder of the user's.
#[test]
fn a_forged_worktree_shows_nothing() {
    let house = House::new();
    let other = house.path("home/other");
    fs::create_dir(&other).expect("a folder");
    house.git(&other, &["init", "-q"]);
    house.write(
        ".git",
        &format!("gitdir: {}\n", other.join(".git").display()),
    );
    let mut sandbox = house.start(&house.room(&format!("ls {}", other.display())));
    assert_ne!(sandbox.wait().expect("it ends").status, 0);
    assert_eq!(sandbox.notes().len(), 1, "{:?}", sandbox.notes());
    assert!(sandbox.notes()[0].contains("git worktree repair"));
}

/// By whoever can write to the workspace already, such as an agent in another room.
#[test]
fn what_was_replaced_since_it_was_looked_at_is_not_shown() {
    let house = House::new();
    house.write(".vscode/tasks.json", "mine");
    let protected = house.workspace().join(".vscode");
    let elsewhere = house.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let aside = || fs::rename(&protected, house.path("aside")).unwrap();
    let room = house.room("true");
    let another = Sandbox::spawn_after(&room, || {
        aside();
        fs::create_dir(&protected).unwrap();
    });
    let said = another.unwrap_err().to_string();
    assert!(
        said.ends_with("was replaced while the sandbox was made"),
        "{said}"
    );
    fs::rename(house.path("aside"), &protected).unwrap();
    let link = Sandbox::spawn_after(&room, || {
        aside();
        symlink(&elsewhere, &protected).unwrap();
    });
    assert!(link.is_err());
    fs::remove_file(&protected).unwrap();
    fs::rename(house.path("aside"), &protected).unwrap();
    // The whole workspace too.
    let mut room = house.room("true");
    room.workspace.protected.clear();
    let link = Sandbox::spawn_after(&room, || {
        fs::rename(house.workspace(), house.path("aside")).unwrap();
        symlink(&elsewhere, house.workspace()).unwrap();
    });
    let said = link.unwrap_err().to_string();
    assert!(said.contains("replaced"), "{said}");
}
