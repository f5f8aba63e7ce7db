//! What changed rules would give beside what they were changed for.

use valetkey_core::{
    AgentName, Audience, Credential, Credentials, ScopeSet, Session, Tier,
    ports::{PolicyError, Question},
};

use super::{
    explain::{only, tier},
    stand_in,
};
use crate::{facts::failed, rules::Rules};

/// Most requests that are tried.
const TRIED: usize = 20_000;
/// Most of them that are listed.
const LISTED: usize = 20;
/// An agent and a subject that no policy means.
const ANOTHER: &str = "another";

/// A sentence each, by asking both about every scope and audience of every configured credential for this
/// session, and about the question for other sessions.
pub(super) fn reach(
    now: &Rules,
    changed: &Rules,
    question: &Question<'_>,
    credentials: &Credentials,
) -> Result<Vec<String>, PolicyError> {
    let mut also = here(now, changed, question, credentials)?;
    also.extend(elsewhere(now, changed, question)?);
    Ok(also)
}

/// For the session that asks.
fn here(
    now: &Rules,
    changed: &Rules,
    question: &Question<'_>,
    credentials: &Credentials,
) -> Result<Vec<String>, PolicyError> {
    let mut also = Vec::new();
    let (mut found, mut tried) = (0_usize, 0);
    for credential in credentials.iter() {
        for scopes in each_scope(credential)? {
            for audience in credential.audiences.iter() {
                if tried == TRIED {
                    also.push(format!("more was not looked at than {TRIED} requests"));
                    return Ok(also);
                }
                tried += 1;
                let sentence = one(now, changed, question, credential, &scopes, audience)?;
                if let Some(sentence) = sentence {
                    found += 1;
                    if found <= LISTED {
                        also.push(sentence);
                    }
                }
            }
        }
    }
    if found > LISTED {
        also.push(format!("and {} more of that kind", found - LISTED));
    }
    Ok(also)
}

fn one(
    now: &Rules,
    changed: &Rules,
    question: &Question<'_>,
    credential: &Credential,
    scopes: &ScopeSet,
    audience: &Audience,
) -> Result<Option<String>, PolicyError> {
    for lifetime in [credential.max_lifetime, question.lifetime] {
        let asked = credential.name == question.credential.name
            && scopes.within(question.scopes)
            && audience == question.audience
            && lifetime <= question.lifetime;
        if asked || lifetime > credential.max_lifetime {
            continue;
        }
        let other = Question {
            credential,
            scopes,
            audience,
            lifetime,
            ..*question
        };
        if let Some((was, would_be)) = less(now, changed, &other)? {
            return Ok(Some(format!(
                "`{}`, scope `{scopes}`, for {audience}, {lifetime} s: `{}` instead of `{}`",
                credential.name,
                would_be.id(),
                was.id()
            )));
        }
    }
    Ok(None)
}

/// For other sessions that ask the same.
fn elsewhere(
    now: &Rules,
    changed: &Rules,
    question: &Question<'_>,
) -> Result<Vec<String>, PolicyError> {
    let asks = question.session;
    let twin = Session {
        profile: asks.profile.clone(),
        ..stand_in::session(asks.user.clone(), asks.agent.clone())?
    };
    let other_agent = Session {
        agent: AgentName::parse(ANOTHER).map_err(failed)?,
        ..twin.clone()
    };
    let mut stranger = twin.clone();
    ANOTHER.clone_into(&mut stranger.user.id.subject);
    let gains = |session| {
        let other = Question {
            session,
            ..*question
        };
        Ok::<_, PolicyError>(less(now, changed, &other)?.is_some())
    };
    let (who, agent) = (&asks.user.display, &asks.agent);
    let mut also = vec![if gains(&other_agent)? {
        format!("the same for every other session of `{who}`, whatever its agent")
    } else if gains(&twin)? {
        format!("the same for every other session of `{who}` with the agent `{agent}`")
    } else {
        format!("nothing for other sessions of `{who}`")
    }];
    if gains(&stranger)? {
        also.push("the same for sessions of other people in the same groups".to_owned());
    }
    Ok(also)
}

/// The friction before and after, where it is less.
fn less(
    now: &Rules,
    changed: &Rules,
    question: &Question<'_>,
) -> Result<Option<(Tier, Tier)>, PolicyError> {
    let (was, would_be) = (tier(now, question)?, tier(changed, question)?);
    Ok((would_be < was).then_some((was, would_be)))
}

/// Its scopes one by one, or none where it has none.
fn each_scope(credential: &Credential) -> Result<Vec<ScopeSet>, PolicyError> {
    if credential.scopes.is_empty() {
        return Ok(vec![ScopeSet::default()]);
    }
    credential
        .scopes
        .iter()
        .map(|scope| only([scope]))
        .collect()
}
