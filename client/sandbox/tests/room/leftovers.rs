//! What is told when a room has ended.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use valetkey_sandbox::Sandbox;

use crate::house::House;

fn mode(house: &House, name: &str, mode: u32) {
    fs::set_permissions(house.workspace().join(name), Permissions::from_mode(mode))
        .expect("its mode");
}

/// Git goes by names, and so does who looks after it.
#[test]
fn what_nobody_may_list_is_told() {
    let house = House::new();
    let outcome = house.script("git init -q tool && chmod 0311 tool");
    mode(&house, "tool", 0o755);
    let told = &outcome.leftovers;
    assert!(
        told.iter().any(|line| line.contains("/tool/.git`")),
        "{told:?} {}",
        outcome.text
    );
}

#[test]
fn a_hook_where_nobody_may_list_them_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    fs::create_dir_all(house.workspace().join(".git/hooks")).expect("a folder");
    mode(&house, ".git/hooks", 0o311);
    let mut room = house.room("echo true > .git/hooks/post-commit");
    room.workspace.protected.clear();
    let told = house.run(&room).leftovers;
    mode(&house, ".git/hooks", 0o755);
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Who is kept from it by one room may have come to it by another.
#[test]
fn what_was_closed_and_changed_all_the_same_is_told() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let room = house.room("true");
    let change = || drop(house.write(".git/config", "[core]\npager = evil\n"));
    let mut sandbox = Sandbox::spawn_after(&room, change).expect("a room");
    sandbox.go().expect("it begins");
    let told = sandbox.wait().expect("it ends").leftovers;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("/project/.git`"), "{told:?}");
}
