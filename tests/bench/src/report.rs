//! The table, and the same as JSON.

use std::{
    env,
    fs::File,
    io::{self, Write as _},
    path::PathBuf,
};

use serde::Serialize;

use crate::Measured;

/// One row.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    /// What the value is held against, in the same unit and from the same run.
    floor: Option<f64>,
    /// The value divided by the floor: the median over rounds, so not exactly the two above divided.
    ratio: Option<f64>,
    aim: String,
    met: bool,
    #[serde(skip)]
    note: String,
}

impl Row {
    /// A value with an aim of its own.
    pub(crate) fn below(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        bound: f64,
    ) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            floor: None,
            ratio: None,
            aim: format!("< {bound} {unit}"),
            met: value < bound,
            note: String::new(),
        }
    }

    /// The same the other way round.
    pub(crate) fn at_least(
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        bound: f64,
    ) -> Self {
        Self {
            aim: format!(">= {bound} {unit}"),
            met: value >= bound,
            ..Self::below(name, value, unit, bound)
        }
    }

    /// A value without an aim, for the record.
    pub(crate) fn noted(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            aim: "none".to_owned(),
            met: true,
            ..Self::below(name, value, unit, f64::INFINITY)
        }
    }

    /// A value whose ratio to `floor` has a most.
    pub(crate) fn ratio_at_most(self, floor: f64, ratio: f64, most: f64) -> Self {
        Self {
            floor: Some(floor),
            ratio: Some(ratio),
            aim: format!("ratio <= {most}"),
            met: ratio <= most,
            ..self
        }
    }

    /// A value whose ratio to `floor` has a least.
    pub(crate) fn ratio_at_least(self, floor: f64, ratio: f64, least: f64) -> Self {
        Self {
            floor: Some(floor),
            ratio: Some(ratio),
            aim: format!("ratio >= {least}"),
            met: ratio >= least,
            ..self
        }
    }

    /// What the table says beside it.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self {
            note: note.into(),
            ..self
        }
    }
}

/// Says on standard error what is being measured.
pub(crate) fn progress(what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "measuring {what}")
}

/// Prints the table.
pub(crate) fn print(rows: &[Row]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<52} {:>10} {:<8} {:>10} {:>6}  {:<16} {:<6} note",
        "name", "value", "unit", "floor", "ratio", "aim", "met"
    )?;
    for row in rows {
        let met = if row.met { "yes" } else { "MISSED" };
        writeln!(
            out,
            "{:<52} {:>10} {:<8} {:>10} {:>6}  {:<16} {:<6} {}",
            row.name,
            short(Some(row.value)),
            row.unit,
            short(row.floor),
            short(row.ratio),
            row.aim,
            met,
            row.note
        )?;
    }
    out.flush()
}

/// Writes `target/bench.json`, or where `VALETKEY_BENCH_JSON` says.
pub(crate) fn write(rows: &[Row]) -> Measured<()> {
    let path = env::var_os("VALETKEY_BENCH_JSON").map_or("target/bench.json".into(), PathBuf::from);
    let mut file = File::create(&path)?;
    serde_json::to_writer_pretty(&mut file, rows)?;
    Ok(file.write_all(b"\n")?)
}

fn short(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
    }
}
