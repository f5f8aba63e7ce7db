//! Attempts to get out of a room, from inside every profile: each of them fails, and each was seen to
//! succeed, by the same lines of code, without what keeps it in. `escape/harness.py` says how.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails in a helper fails the test"
)]

mod house;
mod pinned;

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use house::{House, PROFILES};
use rustix::process::geteuid;
use valetkey_e2e::as_ordinary_user;

/// Fewer, and a class has been lost.
const LEAST: usize = 200;

#[test]
fn nothing_gets_out_of_a_room_of_an_ordinary_users() {
    as_ordinary_user(
        "escape::nothing_gets_out_of_a_room_of_an_ordinary_users",
        || {
            assert!(!geteuid().is_root());
            nothing_gets_out();
        },
    );
}

/// To the kernel root is root in every namespace, and what no ordinary user may outside is seen here.
/// There is nothing to be seen where the tests themselves are no root's.
#[test]
fn nothing_gets_out_of_a_room_of_roots() {
    if geteuid().is_root() {
        nothing_gets_out();
    }
}

/// How a line of an attempt ended in each place.
#[derive(Default)]
struct Row {
    control: String,
    unseen: bool,
    alive: bool,
    results: BTreeMap<String, (String, String)>,
}

fn nothing_gets_out() {
    let house = House::new();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in house.table() {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let row = Row {
            control: text("control"),
            unseen: line["unseen"] == true,
            alive: line["alive"] == true,
            ..Row::default()
        };
        let name = text("name");
        assert!(
            rows.insert(name.clone(), row).is_none(),
            "{name} is there twice"
        );
    }
    assert!(rows.len() >= LEAST, "only {} attempts", rows.len());
    let places = ["desk", "bare", "own"].map(str::to_owned).into_iter();
    let inside = PROFILES.map(|profile| format!("inside:{profile}"));
    for place in places.chain(inside) {
        for line in house.tried(&place) {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let row = rows.get_mut(&text("name")).expect("it is in the table");
            let ended = (text("result"), text("said"));
            row.results.insert(place.clone(), ended);
        }
    }
    let (mut report, mut wrong) = (Vec::new(), Vec::new());
    for (name, row) in &rows {
        for (place, (result, said)) in &row.results {
            report.push(format!("{name} {place} {result}"));
            let expected = if place.starts_with("inside") && !row.alive {
                "held"
            } else {
                "out"
            };
            if result != expected {
                wrong.push(format!("{name} {place}: {result}, not {expected}: {said}"));
            }
        }
        if row.unseen {
            report.push(format!("{name} no control here: {}", row.control));
        } else if !row.alive && !row.results.contains_key(&row.control) {
            wrong.push(format!(
                "{name} was not tried without a guard: {}",
                row.control
            ));
        }
        if !row.results.keys().any(|place| place.starts_with("inside")) {
            wrong.push(format!("{name} was not tried inside"));
        }
    }
    report.extend(summary(&rows));
    drop(io::stdout().write_all((report.join("\n") + "\n").as_bytes()));
    house.is_unharmed();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Counts by class.
fn summary(rows: &BTreeMap<String, Row>) -> Vec<String> {
    let mut classes: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (name, row) in rows {
        let class = classes
            .entry(name.split('/').next().unwrap_or(name))
            .or_default();
        class[0] += 1;
        class[1] += usize::from(row.unseen);
        class[2] += row
            .results
            .keys()
            .filter(|place| place.starts_with("inside"))
            .count();
    }
    let line = |(class, [attempts, unseen, tried]): (&str, [usize; 3])| {
        format!(
            "class {class}: {attempts} attempts, {tried} times inside, {unseen} without a control here"
        )
    };
    classes.into_iter().map(line).collect()
}
