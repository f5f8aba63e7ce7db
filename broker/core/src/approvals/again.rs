//! The policies are asked again about what somebody is about to grant.

use valetkey_codes::Code;

use crate::{Approval, Broker, Refusal, Session, Tier, ports::Question};

/// What the policies say by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permitted {
    /// It is permitted with the friction that was shown, or with less.
    AsShown,
    /// It is permitted with more.
    WithMore,
    /// It is not.
    No,
}

/// Asks them about all that was shown. Policies that fail change nothing, and nothing is granted by them.
pub(super) fn permitted(
    broker: &Broker,
    approval: &Approval,
    session: &Session,
) -> Result<Permitted, Refusal> {
    let grant = &approval.asked.grant;
    let name = approval.asked.credential.as_str();
    let Some(credential) = broker.settings.credentials.find(name) else {
        return Ok(Permitted::No);
    };
    let question = Question {
        session,
        credential: &credential,
        scopes: &grant.scopes,
        audience: &grant.audience,
        lifetime: grant.lifetime,
    };
    let verdict = broker.ports.policy.decide(&question);
    let verdict = verdict.map_err(|error| Refusal::new(Code::Denied).because(error.to_string()))?;
    let tier = verdict.tier.max(credential.min_tier);
    Ok(if tier == Tier::Deny {
        Permitted::No
    } else if tier > approval.asked.tier {
        Permitted::WithMore
    } else {
        Permitted::AsShown
    })
}
