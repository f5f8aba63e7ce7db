//! What a room costs.

use std::{io::Write as _, time::Duration};

use valetkey_sandbox::Sandbox;

use crate::house::{AUTHORITY, House};

/// Until the agent has begun, and from its end until everything is put away. Debug build, and a machine
/// that does other things: so the limits are loose, and what was measured is printed.
#[test]
#[expect(clippy::disallowed_methods, reason = "this measures")]
fn a_room_costs_less_than_the_patience_of_its_user() {
    let house = House::new();
    house.git(&house.workspace(), &["init", "-q"]);
    let mut room = house.room("");
    room.command = vec!["/bin/true".into()];
    room.proxy = true;
    room.authority = Some(AUTHORITY.into());
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let before = std::time::Instant::now();
        let mut sandbox = Sandbox::spawn(&room).expect("a room");
        sandbox.go().expect("it begins");
        starts.push(before.elapsed());
        sandbox.wait().expect("it ends");
        let before = std::time::Instant::now();
        drop(sandbox);
        ends.push(before.elapsed());
    }
    let (start, end) = (median(starts), median(ends));
    writeln!(std::io::stderr(), "to begin {start:?}, to put away {end:?}").expect("it is open");
    assert!(start < Duration::from_millis(500), "{start:?}");
    assert!(end < Duration::from_millis(500), "{end:?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
