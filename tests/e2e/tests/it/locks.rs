//! A lock: every session of the machine refuses, and only its holder lifts it.

use valetkey_e2e::World;

const READ: &str = "token demo-api --scope api:read";

#[test]
fn the_owner_locks_and_unlocks() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world.agent(&session, READ).ok();
    let asked = world.ask(&session, "token demo-api --scope api:delete");
    world.valetkey("lock --reason lunch").ok();

    let refused = || {
        world
            .agent(&session, &format!("{READ} --json"))
            .refused(3, "locked");
    };
    refused();
    world.approve(&asked, "--session").refused(3, "locked");
    world
        .valetkey("session start --agent other --json")
        .refused(3, "locked");
    assert!(world.valetkey("status").ok().stdout.contains("lunch"));

    world.kill();
    world.start();
    world
        .agent(&session, &format!("{READ} --json"))
        .refused(3, "locked");
    world.valetkey("unlock").ok();
    world.agent(&session, READ).ok();
    assert_eq!(world.records("machine_locked").len(), 1);
    assert_eq!(world.records("machine_unlocked").len(), 1);
}

#[test]
fn an_admins_lock_is_not_lifted_by_the_owner() {
    let mut world = World::at_work();
    let session = world.session("coder");
    world
        .valetkey("admin lock --reason incident --json")
        .refused(3, "not_admin");
    world
        .valetkey("admin lock --reason incident --account boss")
        .ok();
    let locked = |world: &World| {
        world
            .agent(&session, &format!("{READ} --json"))
            .refused(3, "locked_by_admin");
    };
    locked(&world);
    world.valetkey("unlock");
    locked(&world);
    world
        .valetkey("admin unlock --json")
        .refused(3, "not_admin");
    locked(&world);
    world.kill();
    world.start();
    locked(&world);
    // Cutting the lock out of the database is not unlocking.
    world.stop();
    world.sql("DELETE FROM locks;");
    world.start();
    locked(&world);
    world.valetkey("admin unlock --account boss").ok();
    world.agent(&session, READ).ok();
}
