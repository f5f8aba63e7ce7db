//! Tables of cases are answered by policies as they say, or not.
//!
//! `policies/README.md` tells authors how to write one.

mod table;
mod what;

use std::{fmt::Display, path::Path};

use valetkey_core::{
    AgentName, Approver, Credentials, ProfileName, Risk, Session, SessionId, UserId,
    ports::{ApproverQuestion, CaseResult, Consent, PolicyError, Question},
    text::printable,
};

use self::{
    table::{Ask, Case, Expected, Table},
    what::What,
};
use super::stand_in;
use crate::{
    facts::Facts,
    files::{self, PolicyFile},
    parse::line_at,
    rules::Rules,
};

/// Longest part of a case's name that is shown, in characters.
const NAME_SHOWN: usize = 120;
/// Longest part of the parser's words, or list of policies, that a message shows, in characters.
const SHOWN: usize = 400;

/// Runs every table of `place`, a folder of `*.toml` files or one file.
pub(super) fn run(
    rules: &Rules,
    place: &Path,
    credentials: &Credentials,
) -> Result<Vec<CaseResult>, PolicyError> {
    let mut results = Vec::new();
    for file in files::read_tables(place)? {
        let table = read(&file)?;
        for case in &table.case {
            let name = format!("{}: {}", file.name, printable(&case.name, NAME_SHOWN));
            let asked = Asked::new(&table.ask, case, credentials)
                .map_err(|what| PolicyError::Invalid(format!("`{name}`: {what}")))?;
            results.push(CaseResult {
                wrong: asked.wrong(rules, case),
                case: name,
            });
        }
    }
    Ok(results)
}

fn read(file: &PolicyFile) -> Result<Table, PolicyError> {
    let table: Table = toml::from_str(&file.text).map_err(|error| {
        let at = error
            .span()
            .map_or(1, |span| line_at(&file.text, span.start));
        let says = printable(error.message(), SHOWN);
        PolicyError::Invalid(format!("`{}` line {at}: {says}", file.shown))
    })?;
    if table.case.is_empty() {
        let none = format!("`{}` holds no `[[case]]`; write one", file.shown);
        return Err(PolicyError::Invalid(none));
    }
    Ok(table)
}

/// What a case asks, complete.
struct Asked {
    session: Session,
    what: What,
    lifetime: u64,
    approver: Option<Answering>,
}

/// Who would answer.
struct Answering {
    who: Approver,
    risk: Option<Risk>,
}

impl Asked {
    fn new(ask: &Ask, case: &Case, credentials: &Credentials) -> Result<Self, String> {
        let user = UserId {
            issuer: case.issuer.as_ref().unwrap_or(&ask.issuer).clone(),
            subject: case.user.as_ref().unwrap_or(&ask.user).clone(),
        };
        let groups = case.groups.as_ref().unwrap_or(&ask.groups).clone();
        let agent = case.agent.as_ref().unwrap_or(&ask.agent);
        let agent = AgentName::parse(agent).map_err(|error| wrong("agent", error))?;
        let user = stand_in::user(user, groups);
        let mut session = stand_in::session(user, agent).map_err(|error| error.to_string())?;
        if let Some(id) = &case.session {
            let id = SessionId::parse(id);
            session.id = id.ok_or_else(|| wrong("session", "an id has 32 hexadecimal digits"))?;
        }
        if let Some(profile) = case.profile.as_ref().or(ask.profile.as_ref()) {
            let some = (!profile.is_empty()).then(|| ProfileName::parse(profile));
            session.profile = some.transpose().map_err(|error| wrong("profile", error))?;
        }
        let asked = Self {
            approver: approver(case, &session.user.id)?,
            session,
            what: What::new(ask, case, credentials)?,
            lifetime: case.lifetime.unwrap_or(ask.lifetime),
        };
        if asked.approver.is_some() == case.expect.of_approver() {
            Ok(asked)
        } else {
            Err(
                "`may` and `may not` are expected of an `approver` or a `reviewer`, a tier is not"
                    .to_owned(),
            )
        }
    }

    /// What is wrong with the answer.
    fn wrong(&self, rules: &Rules, case: &Case) -> Option<String> {
        let (found, by) = match self.answer(rules) {
            Ok(answer) => answer,
            Err(error) => return Some(error.to_string()),
        };
        if found != case.expect {
            let (expected, found, by) = (case.expect.id(), found.id(), names(&by));
            return Some(format!("expected `{expected}`, found `{found}`, by {by}"));
        }
        let expected = case.by.as_ref().filter(|expected| **expected != by)?;
        let (expected, by) = (names(expected), names(&by));
        Some(format!("expected by {expected}, decided by {by}"))
    }

    fn answer(&self, rules: &Rules) -> Result<(Expected, Vec<String>), PolicyError> {
        let credential = &self.what.credential;
        let Some(approver) = &self.approver else {
            let injected = self.what.injected.as_deref();
            let injected = injected.unwrap_or(&rules.injected);
            let question = Question {
                session: &self.session,
                credential,
                scopes: &credential.scopes,
                audience: &credential.audiences.first,
                lifetime: self.lifetime,
            };
            let facts = Facts::new(&rules.words, &rules.named, injected, &question)?;
            let verdict = rules.judge(&facts)?;
            return Ok((Expected::of(verdict.tier), verdict.policies));
        };
        let consent = rules.may_approve(&ApproverQuestion {
            approver: &approver.who,
            risk: approver.risk,
            requester: &self.session.user.id,
            agent: &self.session.agent,
            credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime: self.lifetime,
        })?;
        Ok(match consent {
            Consent::May(by) => (Expected::May, by),
            Consent::MayNot(by) => (Expected::MayNot, by),
        })
    }
}

/// Who would answer. Somebody whose issuer is not said is of the same one as whoever asks.
fn approver(case: &Case, requester: &UserId) -> Result<Option<Answering>, String> {
    let who = match (&case.approver, &case.reviewer) {
        (None, None) => return Ok(None),
        (Some(subject), None) => {
            let id = UserId {
                issuer: case
                    .approver_issuer
                    .as_ref()
                    .unwrap_or(&requester.issuer)
                    .clone(),
                subject: subject.clone(),
            };
            let groups = case.approver_groups.clone().unwrap_or_default();
            Approver::Person {
                user: stand_in::user(id, groups),
            }
        }
        (None, Some(name)) => Approver::Reviewer { name: name.clone() },
        (Some(_), Some(_)) => return Err("name an `approver` or a `reviewer`".to_owned()),
    };
    let risk = case.risk;
    Ok(Some(Answering { who, risk }))
}

/// The policies of a case, as they are shown.
fn names(by: &[String]) -> String {
    if by.is_empty() {
        return "no policy".to_owned();
    }
    format!("`{}`", printable(&by.join("`, `"), SHOWN))
}

fn wrong(what: &str, error: impl Display) -> String {
    format!("`{what}`: {error}")
}
