//! What an agent asked for, and what it comes to.

use std::sync::Arc;

use valetkey_codes::Code;

use crate::{
    Audience, Credential, Credentials, Delivery, Grant, LIFETIME_CEILING, LIFETIME_DEFAULT, Moment,
    Refusal, ScopeSet, Session, Tier,
};

/// What an agent asked for, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The credential's name.
    pub credential: String,
    /// Scopes; each may be a space-separated list.
    pub scopes: Vec<String>,
    /// Who the token is for.
    pub audience: Option<String>,
    /// Lifetime in seconds.
    pub lifetime: Option<i64>,
    /// The token must live at least this long, in seconds, or it is of no use.
    pub min_validity: Option<u64>,
    /// Why, for people to read. Decides nothing.
    pub reason: Option<String>,
    /// What becomes of it.
    pub wanted: Wanted,
    /// The least friction, whatever the policies say: that of the rule for a command. No agent says it.
    pub least: Tier,
}

/// What becomes of what is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The agent is given it.
    #[default]
    Token,
    /// The proxy uses it in the agent's stead.
    Use,
}

impl Ask {
    /// What it asks of which credential, cut to every ceiling but the policies'.
    pub(crate) fn read(
        &self,
        session: &Session,
        credentials: &Credentials,
        now: Moment,
    ) -> Result<(Arc<Credential>, Grant), Refusal> {
        let credential = credentials
            .find(&self.credential)
            .ok_or(Code::UnknownCredential)?;
        match (&credential.delivery, self.wanted) {
            (Delivery::Token, Wanted::Token)
            | (Delivery::Inject(_) | Delivery::Pass, Wanted::Use) => {}
            (Delivery::Inject(_), Wanted::Token) => return Err(Code::InjectOnly.into()),
            _ => return Err(Code::UnknownCredential.into()),
        }
        let audience = self.audience(&credential)?;
        let grant = Grant {
            lifetime: self.lifetime(&credential, session, now)?,
            scopes: self.scopes(&credential, &audience)?,
            audience,
        };
        Ok((credential, grant))
    }

    fn scopes(&self, credential: &Credential, audience: &Audience) -> Result<ScopeSet, Refusal> {
        let scopes = ScopeSet::parse(self.scopes.iter().map(String::as_str))
            .map_err(|bad| Refusal::new(Code::InvalidScope).saying(bad.to_string()))?;
        if scopes.is_empty() && !credential.scopes.is_empty() {
            return Err(Refusal::new(Code::InvalidScope).saying("name at least one scope"));
        }
        if !credential.has(&scopes, audience) {
            return Err(Code::InvalidScope.into());
        }
        Ok(scopes)
    }

    fn audience(&self, credential: &Credential) -> Result<Audience, Refusal> {
        let Some(asked) = &self.audience else {
            return Ok(credential.audiences.first.clone());
        };
        let audience = Audience::parse(asked).ok();
        audience
            .filter(|audience| credential.is_for(audience))
            .ok_or_else(|| Code::InvalidTarget.into())
    }

    /// Asked for, but never above the credential's ceiling, the session's end, or an hour.
    fn lifetime(
        &self,
        credential: &Credential,
        session: &Session,
        now: Moment,
    ) -> Result<u64, Refusal> {
        let asked = match self.lifetime {
            None => LIFETIME_DEFAULT.max(self.min_validity.unwrap_or(0)),
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
            .min(session.deadline.remaining_seconds(now));
        match self.min_validity {
            Some(least) if lifetime < least => Err(Refusal::new(Code::InvalidRequest).saying(
                format!("a token of this credential lives {lifetime} s at most just now"),
            )),
            _ if lifetime == 0 => Err(Code::SessionExpired.into()),
            _ => Ok(lifetime),
        }
    }
}
