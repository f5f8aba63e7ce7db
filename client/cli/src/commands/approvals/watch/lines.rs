//! Where no person looks: a line for every change.

use std::collections::HashMap;

use serde::Serialize;
use valetkey_sdk::{Code, Error, Events, wire::developer::WatchApprovalsResponse};

use super::super::view::Approval;
use crate::{
    commands::Outcome,
    output::{Output, Page, Show},
};

/// One change.
#[derive(Debug, Serialize)]
struct Change {
    /// `new`, `changed` or `gone`: its session is over.
    change: &'static str,
    approval: Approval,
}

/// Prints until the broker ends the stream, which is a failure: nobody would be told any more.
pub(super) async fn follow(
    mut changes: Events<WatchApprovalsResponse>,
    output: &Output,
) -> Outcome {
    let mut known = HashMap::new();
    while let Some(now) = changes.next().await? {
        let approvals = now.approvals.into_iter().map(Approval::from).collect();
        for change in compare(&mut known, approvals) {
            output.print(&change)?;
        }
    }
    let text = "the broker has ended the stream of approvals";
    Err(Error::new(Code::BrokerUnreachable, text).into())
}

/// What is different now; `known` is how it was, and is afterwards how it is.
fn compare(known: &mut HashMap<String, Approval>, now: Vec<Approval>) -> Vec<Change> {
    let mut before = std::mem::take(known);
    let mut found = Vec::new();
    for approval in now {
        let change = match before.remove(&approval.id) {
            Some(earlier) if earlier == approval => None,
            Some(_) => Some("changed"),
            None => Some("new"),
        };
        known.insert(approval.id.clone(), approval.clone());
        found.extend(change.map(|change| Change { change, approval }));
    }
    let mut gone: Vec<_> = before.into_values().collect();
    gone.sort_by(|one, other| one.id.cmp(&other.id));
    found.extend(gone.into_iter().map(|approval| Change {
        change: "gone",
        approval,
    }));
    found
}

impl Show for Change {
    fn show(&self, page: &mut Page) {
        let approval = &self.approval;
        let state = match self.change {
            "gone" => "gone".to_owned(),
            _ => approval.standing(),
        };
        page.line(&format!(
            "{}  {state}  {}",
            approval.short(),
            approval.subject()
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use valetkey_sdk::wire::developer as dev;

    use super::{Approval, compare};

    fn approval(id: &str, state: &str) -> Approval {
        Approval::from(dev::Approval {
            id: id.to_owned(),
            state: state.to_owned(),
            ..dev::Approval::default()
        })
    }

    #[test]
    fn each_change_is_told_once() {
        let mut known = HashMap::new();
        let mut told = |now: Vec<Approval>| {
            compare(&mut known, now)
                .into_iter()
                .map(|change| format!("{} {}", change.approval.id, change.change))
                .collect::<Vec<_>>()
        };
        let open = |id| approval(id, "open");
        assert_eq!(told(vec![open("a"), open("b")]), ["a new", "b new"]);
        assert!(told(vec![open("b"), open("a")]).is_empty());
        let later = vec![approval("a", "granted"), open("c")];
        assert_eq!(told(later), ["a changed", "c new", "b gone"]);
        assert_eq!(told(vec![]), ["a gone", "c gone"]);
    }
}
