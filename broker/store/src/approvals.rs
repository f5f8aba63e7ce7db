//! The port that keeps approvals.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use valetkey_core::{
    Approval, ApprovalId, Moment, SessionId,
    ports::{Answer, ApprovalError, Approvals, Kept},
    record::SealedRecord,
    text::printable,
};

use crate::{
    Store, bound, chain::LedgerId, error::unwritable, job::Change, key, live::Live, tail::Doubts,
};

/// Those of sessions that are not over. With each comes what its last record bound, where that is the
/// record that the row speaks of.
const APPROVALS: &str =
    "SELECT approval, sequence, bound, approvals.session, approvals.id FROM approvals
    JOIN sessions ON sessions.id = approvals.session AND live = 1
    LEFT JOIN records ON sequence = approvals.changed AND sequence =
        (SELECT max(sequence) FROM records WHERE subject = 'approval ' || approvals.id)";

/// For the memory of a store that opens.
pub(crate) fn lasting(
    db: &Connection,
    ledger: LedgerId,
    live: &Live,
    doubts: &Doubts,
) -> rusqlite::Result<Vec<Approval>> {
    let mut statement = db.prepare(APPROVALS)?;
    let approvals = statement.query_map([], |row| {
        let approval = believed(row, (db, ledger))?;
        let place = key::place(row, 1)?;
        Ok(approval.filter(|approval| doubts.spare(approval.session, place)))
    })?;
    let approvals = approvals.filter_map(Result::transpose);
    let lasting = |read: &rusqlite::Result<Approval>| {
        let approval = read.as_ref();
        // A session that is not believed has no questions either.
        approval.map_or(true, |approval| live.is_lasting(approval.session))
    };
    approvals.filter(lasting).collect()
}

/// A question that its last record did not leave like this is not put, and an answer not given.
fn believed(row: &Row<'_>, chain: (&Connection, LedgerId)) -> rusqlite::Result<Option<Approval>> {
    let json = row.get_ref(0)?.as_bytes().unwrap_or_default();
    let session = row.get_ref(3)?.as_bytes().unwrap_or_default();
    if bound::agrees(json, row, 1, chain)? {
        match serde_json::from_slice::<Approval>(json) {
            Ok(approval) if key::session(approval.session) == session => {
                return Ok(Some(approval));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "a stored approval cannot be read and is left out");
                return Ok(None);
            }
        }
    }
    let approval = printable(&row.get::<_, String>(4)?, 100);
    tracing::error!(
        approval,
        "a stored approval is not as its last record left it and is left out; run `valetkey audit verify`"
    );
    Ok(None)
}

impl Approvals for Store {
    fn list(&self, session: Option<SessionId>) -> Vec<Kept> {
        self.shared.questions.list(session)
    }

    fn save(
        &self,
        approval: Approval,
        record: SealedRecord,
    ) -> Answer<'_, Result<(), ApprovalError>> {
        Box::pin(async move {
            let json = serde_json::to_string(&approval).map_err(unwritable)?;
            let change = Change::Approval(Arc::new(approval), json, record);
            self.queue.submit(change).await.map(drop)
        })
    }

    fn touch(&self, approval: ApprovalId, now: Moment) {
        self.shared.questions.touch(approval, now);
    }

    fn changed(&self, seen: u64) -> Answer<'_, u64> {
        Box::pin(self.shared.questions.changed(seen))
    }
}
