//! The caller is one that the session was made for.

use std::sync::Arc;

use valetkey_codes::Code;

use super::{Ask, Judged, Permit};
use crate::{
    Audience, Caller, Credential, Credentials, Grant, LIFETIME_CEILING, LIFETIME_DEFAULT, Moment,
    Refusal, RequestId, ScopeSet, Session,
    ports::{Policy, Question, Tier},
    text::printable,
};

/// Longest reason that is kept, in characters.
const REASON: usize = 500;

/// The second state of a request.
#[derive(Debug)]
pub struct Identified {
    id: RequestId,
    session: Arc<Session>,
    caller: Arc<Caller>,
    ask: Ask,
}

impl Identified {
    pub(super) const fn new(
        id: RequestId,
        session: Arc<Session>,
        caller: Arc<Caller>,
        ask: Ask,
    ) -> Self {
        Self {
            id,
            session,
            caller,
            ask,
        }
    }

    /// Step 3: reads what was asked, asks the policies, and turns their verdict into a permit. The
    /// agent's reason is carried along for people and reaches no decision.
    pub fn judge(self, credentials: &Credentials, policy: &dyn Policy, now: Moment) -> Judged {
        match self.verdict(credentials, policy, now) {
            Ok((credential, grant, policies)) => Judged::Permit(Permit::new(
                self.id,
                self.session,
                self.caller,
                credential,
                grant,
                policies,
                self.ask.reason.map(|reason| printable(&reason, REASON)),
                now,
            )),
            Err(refusal) => Judged::Refused(refusal),
        }
    }

    fn verdict(
        &self,
        credentials: &Credentials,
        policy: &dyn Policy,
        now: Moment,
    ) -> Result<(Arc<Credential>, Grant, Vec<String>), Refusal> {
        let credential = credentials
            .find(&self.ask.credential)
            .ok_or(Code::UnknownCredential)?;
        let grant = self.grant(&credential, now)?;
        let verdict = policy
            .decide(&Question {
                session: &self.session,
                credential: &credential,
                scopes: &grant.scopes,
                audience: &grant.audience,
                lifetime: grant.lifetime,
            })
            .map_err(|error| Refusal::new(Code::Denied).because(error.to_string()))?;
        match verdict.tier {
            Tier::Auto => Ok((credential, grant, verdict.policies)),
            Tier::Deny => Err(Refusal::new(Code::Denied).because(denied_by(&verdict.policies))),
        }
    }

    fn grant(&self, credential: &Credential, now: Moment) -> Result<Grant, Refusal> {
        let lifetime = self.lifetime(credential, now)?;
        Ok(Grant {
            scopes: self.scopes(credential)?,
            audience: self.audience(credential)?,
            lifetime,
        })
    }

    fn scopes(&self, credential: &Credential) -> Result<ScopeSet, Refusal> {
        let scopes = ScopeSet::parse(self.ask.scopes.iter().map(String::as_str))
            .map_err(|bad| Refusal::new(Code::InvalidScope).saying(bad.to_string()))?;
        if scopes.is_empty() && !credential.scopes.is_empty() {
            return Err(Refusal::new(Code::InvalidScope).saying("name at least one scope"));
        }
        if !scopes.within(&credential.scopes) {
            return Err(Code::InvalidScope.into());
        }
        Ok(scopes)
    }

    fn audience(&self, credential: &Credential) -> Result<Audience, Refusal> {
        let Some(asked) = &self.ask.audience else {
            return Ok(credential.audiences.first.clone());
        };
        credential
            .audiences
            .iter()
            .find(|audience| audience.as_str() == asked)
            .cloned()
            .ok_or_else(|| Code::InvalidTarget.into())
    }

    /// Asked for, but never above the credential's ceiling, the session's end, or an hour.
    fn lifetime(&self, credential: &Credential, now: Moment) -> Result<u64, Refusal> {
        let asked = match self.ask.lifetime {
            None => LIFETIME_DEFAULT.max(self.ask.min_validity.unwrap_or(0)),
            Some(seconds) => u64::try_from(seconds)
                .ok()
                .filter(|seconds| *seconds > 0)
                .ok_or_else(|| {
                    Refusal::new(Code::InvalidRequest).saying("a lifetime is at least 1 second")
                })?,
        };
        let lifetime = asked
            .min(credential.max_lifetime)
            .min(LIFETIME_CEILING)
            .min(self.session.deadline.remaining_seconds(now));
        match self.ask.min_validity {
            Some(least) if lifetime < least => Err(Refusal::new(Code::InvalidRequest).saying(
                format!("a token of this credential lives {lifetime} s at most just now"),
            )),
            _ if lifetime == 0 => Err(Code::SessionExpired.into()),
            _ => Ok(lifetime),
        }
    }
}

fn denied_by(policies: &[String]) -> String {
    if policies.is_empty() {
        "no policy permits it".to_owned()
    } else {
        format!("forbidden by {}", policies.join(", "))
    }
}
