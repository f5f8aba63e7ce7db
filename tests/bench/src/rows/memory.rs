//! Resident memory of an idle broker, and what a live session adds.
//!
//! `VmRSS`, because the broker closes the finer books (`smaps_rollup`) to its own user. It counts
//! pages that are shared with others, so it is never too little.

use std::fs;

use crate::{
    Measured,
    place::{Place, Population, runtime},
    report::Row,
};

/// Sessions that are there before counting begins, so that the code they need is loaded.
const BEFORE: usize = 10;
const SESSIONS: u32 = 1000;
const IDLE: f64 = 25.0;
const PER_SESSION: f64 = 8.0;

pub(crate) fn measure() -> Measured<Vec<Row>> {
    let runtime = runtime()?;
    let population = Population {
        live: 0,
        dead: 0,
        policies: 2,
    };
    let mut place = Place::with(&runtime, population)?;
    let pid = place.world.broker().pid();
    let (idle, own) = (kib(pid, "VmRSS:")?, kib(pid, "RssAnon:")?);
    runtime.block_on(place.add_sessions(BEFORE))?;
    let few = kib(pid, "VmRSS:")?;
    runtime.block_on(place.add_sessions(usize::try_from(SESSIONS)?))?;
    let many = kib(pid, "VmRSS:")?;
    let per_session = (many - few) / f64::from(SESSIONS);
    Ok(vec![
        Row::below(
            "resident, idle, two accounts logged in",
            idle / 1024.0,
            "MiB",
            IDLE,
        )
        .note(format!(
            "{:.1} MiB are its own, the rest are pages of files",
            own / 1024.0
        )),
        Row::below(
            "resident, per live session",
            per_session,
            "KiB",
            PER_SESSION,
        )
        .note(format!(
            "{few} KiB with {BEFORE}, {many} KiB with {SESSIONS} more"
        )),
    ])
}

fn kib(pid: u32, what: &str) -> Measured<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number
        .ok_or("the kernel does not tell the broker's memory")?
        .parse()?)
}
