//! git over HTTPS, with a repository of 200 MB.

use std::process::Command;

use valetkey_e2e::{BASIC_CANARY, CANARY, Outcome, Trip, World};

/// What a forge has: a bare repository with 200 MB that nothing can compress.
fn forge(world: &World) -> String {
    let folder = world.folder().join("forge");
    let script = r#"
set -eu
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.test
mkdir "$1"; cd "$1"
git init -q --bare -b main big.git
git -C big.git config http.receivepack true
# Nothing is alike, and looking for it would take minutes.
git -C big.git config core.bigFileThreshold 1m
git init -q -b main work; cd work; git config core.compression 0; git config core.bigFileThreshold 1m
for number in $(seq 20); do head -c 10485760 /dev/urandom >"blob-$number"; done
git add . && git commit -qm big && git push -q ../big.git main
cd .. && rm -rf work
"#;
    let mut make = Command::new("bash");
    world
        .surround(&mut make)
        .args(["-c", script, "bash"])
        .arg(&folder);
    Outcome::of(&mut make, b"").ok();
    folder.display().to_string()
}

#[test]
fn a_large_repository_is_cloned_and_pushed() {
    let world = World::new();
    let forge = forge(&world);
    let trip = Trip::within(
        world,
        "git_http.py",
        &[&forge, "git", CANARY],
        r#"
[credentials.forge]
source = "static"
secret = "canary"
[[credentials.forge.inject]]
hosts = ["HOST"]
basic = "git"
scope = "read"
"#,
    );
    let script = r#"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.test
printf '[core]\ncompression = 0\nbigFileThreshold = 1m\n' >"$HOME/.gitconfig"
git clone -q $BASE/big.git copy
cd copy
du -sm --exclude=.git . | cut -f1
for number in $(seq 20); do head -c 10485760 /dev/urandom >"blob-$number"; done
git commit -qam again
git push -q origin main
git rev-parse HEAD
rm -rf ../copy
cd ..
"#;
    let said = trip.errand(script).ok();
    let mut lines = said.stdout.lines();
    let megabytes: u32 = lines.next().unwrap().parse().unwrap();
    assert!(megabytes >= 200, "{said:?}");
    let mut head = Command::new("git");
    head.args(["-C", &format!("{forge}/big.git"), "rev-parse", "main"]);
    let head = Outcome::of(trip.world.surround(&mut head), b"").ok();
    assert_eq!(lines.next(), Some(head.stdout.trim()), "{said:?}");
    for seen in trip.origin.seen() {
        assert_eq!(
            seen["headers"]["authorization"],
            format!("Basic {BASIC_CANARY}")
        );
        assert_eq!(seen["known"], true);
    }
}
