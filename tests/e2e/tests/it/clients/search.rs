//! The search that every other test here ends with finds what there is to find.

use std::panic::{AssertUnwindSafe, catch_unwind};

use valetkey_e2e::{CANARY, World};

#[test]
fn a_secret_that_is_kept_is_found() {
    let mut world = World::new();
    world.configure_errands(None, &[], "");
    world.open_for_errands();
    world.errand("true").ok();
    for keep in [
        format!("echo before-{CANARY}-after"),
        format!("echo {CANARY} >&2"),
        format!("echo {CANARY} >\"$HOME/kept\""),
        format!("mkdir /tmp/a && echo {CANARY} >/tmp/a/kept"),
        format!("echo {CANARY} >kept"),
        format!(
            "KEPT={CANARY} tail -f /dev/null & until grep -q KEPT /proc/$!/environ; do :; done"
        ),
    ] {
        let searched = catch_unwind(AssertUnwindSafe(|| world.errand(&keep)));
        let told = searched.expect_err(&keep);
        let told = told.downcast_ref::<String>().unwrap();
        assert!(told.contains("the secret was "), "{keep}: {told}");
        drop(std::fs::remove_file(world.workspace().join("kept")));
        drop(std::fs::remove_file(world.workspace().join("remains.tar")));
    }
}
