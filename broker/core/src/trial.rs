//! Requirements on trial: what they would refuse is told, and nothing is refused yet.

use std::sync::Arc;

use crate::{
    Broker, Credential, Credentials, Event, Grant, RequestId, Session, Tier,
    ports::{Policy, Question},
    request::Judged,
};

/// What the admin's requirements would put in force.
#[derive(Clone)]
pub struct Trial {
    /// Their policies.
    pub policy: Arc<dyn Policy>,
    /// The credentials, under their ceilings.
    pub credentials: Credentials,
}

impl Trial {
    /// Records where a request meets less friction than it would under the requirements.
    pub(crate) async fn compare(&self, broker: &Broker, request: RequestId, judged: &Judged) {
        let (session, credential, grant, tier) = match judged {
            Judged::Permit(permit) => (
                permit.session(),
                permit.credential(),
                permit.grant(),
                Tier::Auto,
            ),
            Judged::Pending(pending) => (
                pending.session(),
                pending.credential(),
                pending.grant(),
                pending.tier(),
            ),
            Judged::Refused(_) => return,
        };
        let (would_be, detail) = self.judge(session, credential, grant);
        if would_be <= tier {
            return;
        }
        broker
            .record_anyway(crate::Record {
                at: broker.now().unix_ms,
                request: Some(request),
                session: Some(session.id),
                event: Event::WouldBeRefused {
                    credential: credential.name.clone(),
                    grant: grant.clone(),
                    tier,
                    would_be,
                    detail,
                },
            })
            .await;
    }

    fn judge(&self, session: &Session, credential: &Credential, grant: &Grant) -> (Tier, String) {
        let Some(required) = self.credentials.find(credential.name.as_str()) else {
            return (Tier::Deny, "the credential is not there".to_owned());
        };
        if !required.has(&grant.scopes, &grant.audience) {
            return (Tier::Deny, "a scope is not there".to_owned());
        }
        if !required.is_for(&grant.audience) {
            return (Tier::Deny, "the audience is not there".to_owned());
        }
        let verdict = self.policy.decide(&Question {
            session,
            credential: &required,
            scopes: &grant.scopes,
            audience: &grant.audience,
            lifetime: grant.lifetime.min(required.max_lifetime),
        });
        match verdict {
            Ok(verdict) => (
                verdict.tier.max(required.min_tier),
                format!("policies: {}", verdict.policies.join(", ")),
            ),
            Err(error) => (Tier::Deny, error.to_string()),
        }
    }
}
