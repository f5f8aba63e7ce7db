//! Rooms at the same time that protect the same places.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use valetkey_sandbox::Room;

use crate::house::House;

/// Keeps an agent until it is told to go on.
const WAIT: &str = "read go < /out/pipe";

fn pipe(house: &House) -> PathBuf {
    let pipe = house.path("out/pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("a pipe");
    pipe
}

/// Has it go on. Nobody waits here for an agent that is gone: whoever may read too opens a pipe at once.
fn go(pipe: &Path) -> File {
    let file = File::options().read(true).write(true).open(pipe);
    let mut file = file.expect("a pipe");
    file.write_all(b"go\n").expect("it is written");
    file
}

fn room_in(house: &House, workspace: PathBuf, script: &str) -> Room {
    let mut room = house.room(script);
    room.workspace.path = workspace;
    room
}

#[test]
fn another_room_keeps_what_is_protected() {
    let house = House::new();
    let pipe = pipe(&house);
    let mut first = house.start(&house.room("true"));
    let script = format!("{WAIT}; (echo evil > .idea/x) || (mkdir .vscode)");
    let mut second = house.start(&house.room(&script));
    first.wait().expect("it ends");
    drop(first);
    let _open = go(&pipe);
    assert_ne!(second.wait().expect("it ends").status, 0);
}

/// They have one repository, and each another workspace.
#[test]
fn a_room_with_another_worktree_keeps_what_is_protected() {
    let house = House::new();
    let pipe = pipe(&house);
    let common = house.worktrees(&["../project", "../third"]).join(".git");
    let mut first = house.start(&house.room("true"));
    let script = format!(
        "{WAIT}; cd {}; for f in commondir config.worktree modules/x worktrees/project/modules; do
            (echo /tmp/evil > $f) 2>/dev/null && echo written $f
        done
        mkdir modules 2>/dev/null && echo made; echo done",
        common.display()
    );
    let mut second = house.start(&room_in(&house, house.path("home/third"), &script));
    first.wait().expect("it ends");
    drop(first);
    let _open = go(&pipe);
    let told = second.wait().expect("it ends").leftovers;
    drop(second);
    assert_eq!(house.text(), "done\n");
    assert!(told.is_empty(), "{told:?}");
    // The last one takes away what both had.
    for name in ["commondir", "config.worktree", "modules"] {
        assert!(!common.join(name).exists(), "{name}");
    }
}

/// One is in the other, and the repository there is protected by both.
#[test]
fn a_room_with_a_folder_above_keeps_what_is_protected() {
    let house = House::new();
    let pipe = pipe(&house);
    let within = house.workspace().join("dep");
    fs::create_dir(&within).expect("a folder");
    house.git(&within, &["init", "-q"]);
    let mut above = house.start(&house.room("true"));
    let script = format!("{WAIT}; (echo /tmp/evil > .git/commondir) 2>/dev/null && echo written");
    let mut second = house.start(&room_in(&house, within.clone(), &script));
    above.wait().expect("it ends");
    drop(above);
    let _open = go(&pipe);
    second.wait().expect("it ends");
    drop(second);
    assert_eq!(house.text(), "");
    assert!(!within.join(".git/commondir").exists());
}

/// Closed or not: if it was changed all the same, whoever uses it next has to know.
#[test]
fn a_change_of_the_own_repository_is_told() {
    let house = House::new();
    let pipe = pipe(&house);
    house.git(&house.workspace(), &["init", "-q"]);
    let mut sandbox = house.start(&house.room(WAIT));
    house.write(".git/hooks/post-commit", "evil");
    let _open = go(&pipe);
    let told = sandbox.wait().expect("it ends").leftovers;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("/project/.git`"), "{told:?}");
}
