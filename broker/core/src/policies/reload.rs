//! The policy files are read again.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    Broker, Event, Refusal,
    ports::{PolicySummary, SessionFilter},
    text::printable,
};

/// Longest description of what is wrong, in characters: what follows it has to fit too.
const DETAIL: usize = 300;

/// Reads the policy files again and records what came of it; on error the earlier policies stay in
/// force. Blocks for the time that reading takes: call it from a blocking thread's runtime handle.
pub async fn reload(broker: &Broker) -> Result<PolicySummary, Refusal> {
    let policy = Arc::clone(&broker.ports.policy);
    match policy.reload() {
        Ok(summary) => {
            let loaded = Event::PoliciesLoaded {
                digest: summary.digest.clone(),
                policies: summary.policies,
            };
            broker.record(loaded).await?;
            // What proxies remember of the earlier ones is forgotten.
            if let Ok(live) = broker.ports.sessions.list(SessionFilter::Live).await {
                for session in live {
                    broker.ports.doors.changed(session.id).await;
                }
            }
            Ok(summary)
        }
        Err(error) => {
            let detail = printable(&error.to_string(), DETAIL);
            broker
                .record(Event::PoliciesRejected {
                    detail: detail.clone(),
                })
                .await?;
            let said = format!("{detail}; the earlier policies stay in force");
            Err(Refusal::new(Code::PolicyInvalid).saying(said))
        }
    }
}
