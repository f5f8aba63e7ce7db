//! What a room costs.

use std::{process::Command, time::Duration};

use crate::house::House;

/// The median of twenty, above that of the same program without a room. Debug build, and a machine that
/// does other things: so the limit is loose, and what was measured is printed.
#[test]
fn a_room_costs_less_than_the_patience_of_its_user() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let mut room = house.room("");
    room.command = vec!["/bin/true".into()];
    room.proxy = true;
    room.authority = Some("x\n".into());
    let rooms = median(|| drop(house.run(&room)));
    let bare = median(|| {
        Command::new("/bin/true").status().expect("true runs");
    });
    let added = rooms.saturating_sub(bare);
    std::fs::write(house.path("out/text"), format!("{rooms:?} {bare:?}")).expect("a note");
    eprintln_of_tests(&format!("with a room {rooms:?}, without {bare:?}"));
    assert!(added < Duration::from_millis(500), "{added:?}");
}

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn median(mut once: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..20)
        .map(|_| {
            let before = std::time::Instant::now();
            once();
            before.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn eprintln_of_tests(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
