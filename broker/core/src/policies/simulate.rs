//! What changed policies would have answered.

use std::{collections::VecDeque, path::Path};

use super::{
    check::unfit,
    replay::{Past, Read, Replay},
};
use crate::{
    Broker, CredentialName, Grant, Refusal, RequestId, SessionId, Tier,
    ports::{Policy, PolicyError, Question, Verdict},
};

/// Most differences that are listed.
const LISTED: usize = 1000;
/// Longest time that is replayed, in days.
const DAYS: u32 = 3650;

/// A request that would be answered otherwise.
#[derive(Clone, Debug)]
pub struct Differing {
    /// Its id.
    pub request: RequestId,
    /// When it was made: milliseconds since the Unix epoch.
    pub at: u64,
    /// Its session.
    pub session: SessionId,
    /// The session's agent.
    pub agent: crate::AgentName,
    /// What it asked for.
    pub credential: CredentialName,
    /// What it asked for.
    pub grant: Grant,
    /// Under the policies in force.
    pub tier: Tier,
    /// Under the changed ones.
    pub would_be: Tier,
    /// The policies that decide there.
    pub policies: Vec<String>,
}

/// What a replay came to.
#[derive(Clone, Debug, Default)]
pub struct Simulated {
    /// Requests of that time.
    pub requests: u64,
    /// Those that could not be asked again: their credential or their session is not known any more.
    pub skipped: u64,
    /// How many would be answered otherwise.
    pub differing: u64,
    /// The last of them, newest first.
    pub listed: VecDeque<Differing>,
}

/// Asks the policies of `folder` what they would answer to the requests of the last `days` days, and
/// the policies in force the same. Reads the whole ledger, about a second for a million records: call
/// it where blocking is fine.
pub async fn simulate(broker: &Broker, folder: &Path, days: u32) -> Result<Simulated, Refusal> {
    let changed = broker.ports.lab.candidate(&[folder.to_path_buf()]);
    let changed = changed.map_err(|error| unfit(&error))?;
    let span = u64::from(days.min(DAYS)) * 86_400_000;
    let since = broker.now().unix_ms.saturating_sub(span);
    let mut simulated = Simulated::default();
    Replay::new(broker)
        .walk(|at, read| {
            if at < since {
                return;
            }
            match read {
                Read::Other => {}
                Read::Lost => {
                    simulated.requests += 1;
                    simulated.skipped += 1;
                }
                Read::Past(past) => {
                    simulated.requests += 1;
                    simulated.compare(broker, &*changed, *past);
                }
            }
        })
        .await?;
    Ok(simulated)
}

impl Simulated {
    fn compare(&mut self, broker: &Broker, changed: &dyn Policy, past: Past) {
        let now = ask(&*broker.ports.policy, &past);
        let then = ask(changed, &past);
        let (Ok(now), Ok(then)) = (now, then) else {
            self.skipped += 1;
            return;
        };
        if now.tier == then.tier {
            return;
        }
        self.differing += 1;
        self.listed.push_front(Differing {
            request: past.request,
            at: past.at,
            session: past.session.id,
            agent: past.session.agent,
            credential: past.credential.name.clone(),
            grant: past.grant,
            tier: now.tier,
            would_be: then.tier,
            policies: then.policies,
        });
        self.listed.truncate(LISTED);
    }
}

fn ask(policy: &dyn Policy, past: &Past) -> Result<Verdict, PolicyError> {
    let mut verdict = policy.decide(&Question {
        session: &past.session,
        credential: &past.credential,
        scopes: &past.grant.scopes,
        audience: &past.grant.audience,
        lifetime: past.grant.lifetime,
    })?;
    verdict.tier = verdict.tier.max(past.credential.min_tier);
    Ok(verdict)
}
