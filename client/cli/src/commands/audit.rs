//! `valetkey audit`: the ledger.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use valetkey_sdk::{Control, Developer, Exit, wire::developer as dev};

use super::Outcome;
use crate::{
    failure::Failure,
    output::{Output, Page, Show, Tone, counted, sentence},
};

/// Read and check the ledger
#[derive(Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the last records, one to a line
    #[command(after_help = "Example: valetkey audit tail -n 50 --follow")]
    Tail {
        /// How many
        #[arg(short = 'n', long = "last", value_name = "N", default_value_t = 20)]
        last: u32,
        /// Begin after this record instead
        #[arg(long, value_name = "SEQUENCE", conflicts_with = "last")]
        after: Option<u64>,
        /// Go on with those to come
        #[arg(long, short)]
        follow: bool,
    },
    /// Look for records that were edited, removed, reordered or cut off; exit status 1 when there are
    #[command(after_help = "Example: valetkey audit verify")]
    Verify,
}

#[derive(Serialize)]
struct Record {
    sequence: u64,
    record: Value,
    hash: String,
}

#[derive(Serialize)]
struct Verified {
    whole: bool,
    records: u64,
    checkpoints: u64,
    anchored: u64,
    head: String,
    faults: Vec<Fault>,
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct Fault {
    sequence: u64,
    what: String,
}

impl Audit {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let developer = Control::from_env().await?.developer();
        match self.action {
            Action::Tail {
                last,
                after,
                follow,
            } => {
                let request = dev::TailAuditRequest {
                    after,
                    last: after.is_none().then_some(last),
                    follow,
                };
                tail(&developer, request, output).await
            }
            Action::Verify => verify(&developer, output).await,
        }
    }
}

async fn tail(developer: &Developer, request: dev::TailAuditRequest, output: &Output) -> Outcome {
    let mut records = developer.tail_audit(request).await?;
    while let Some(record) = records.next().await? {
        output.print(&Record {
            sequence: record.sequence,
            record: serde_json::from_str(&record.record).unwrap_or(Value::String(record.record)),
            hash: record.hash,
        })?;
    }
    Ok(Exit::Ok)
}

async fn verify(developer: &Developer, output: &Output) -> Result<Exit, Failure> {
    let report = output
        .waiting("walking the ledger", developer.verify_audit())
        .await?;
    let faults = report.faults.into_iter().map(|fault| Fault {
        sequence: fault.sequence,
        what: fault.what,
    });
    let faults: Vec<_> = faults.collect();
    let view = Verified {
        whole: faults.is_empty(),
        records: report.records,
        checkpoints: report.checkpoints,
        anchored: report.anchored,
        head: report.head,
        faults,
        unknown: report.unknown,
    };
    output.print(&view)?;
    Ok(if view.whole { Exit::Ok } else { Exit::Failure })
}

impl Show for Record {
    fn show(&self, page: &mut Page) {
        page.line(&sentence(self.sequence, &self.record));
    }
}

impl Show for Verified {
    fn show(&self, page: &mut Page) {
        for fault in &self.faults {
            page.toned(
                Tone::Bad,
                &format!("record {}: {}", fault.sequence, fault.what),
            );
        }
        for unknown in &self.unknown {
            page.toned(Tone::Care, &format!("not looked at: {unknown}"));
        }
        let (tone, verdict) = if self.whole {
            (Tone::Good, "The ledger is whole".to_owned())
        } else {
            let faults = counted(self.faults.len() as u64, "fault");
            (Tone::Bad, format!("The ledger is not whole, {faults}"))
        };
        page.toned(
            tone,
            &format!(
                "{verdict}: {}, {}; nothing was cut off up to record {}.",
                counted(self.records, "record"),
                counted(self.checkpoints, "checkpoint"),
                self.anchored
            ),
        );
        page.toned(Tone::Dim, &format!("head {}", self.head));
    }
}
