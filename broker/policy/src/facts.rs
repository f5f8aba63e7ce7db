//! A question in Cedar's words: who asks, for what, under which circumstances.
//!
//! Built directly and without Cedar's own conformance check, which would cost more than the decision:
//! a test holds every kind of question against the schema instead.

mod known;
mod network;

use std::{collections::HashSet, fmt::Display};

use cedar_policy::{Context, Entities, EntityUid, Policy, Request, RestrictedExpression};
use valetkey_core::{
    Approver, ScopeSet, SourceKind,
    network::OriginPattern,
    ports::{ApproverQuestion, PolicyError, Question},
};

pub(crate) use self::network::target;

use self::known::Known;
use crate::words::{Asked, Words, uid};

/// What policies name, in head or condition. Nothing else of its kind decides anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    pub(crate) groups: HashSet<Box<str>>,
    pub(crate) hosts: HashSet<Box<str>>,
}

impl Named {
    pub(crate) fn by(words: &Words, policies: &[Policy]) -> Self {
        let literals: Vec<_> = policies.iter().flat_map(Policy::entity_literals).collect();
        let ids = |kind| {
            let named = literals.iter().filter(|one| one.type_name() == kind);
            named.map(|one| one.id().unescaped().into()).collect()
        };
        Self {
            groups: ids(&words.group),
            hosts: ids(&words.host),
        }
    }
}

/// What is true of a question, in all of its requests.
pub(crate) struct Facts<'a> {
    pub(crate) entities: Entities,
    /// Who asks or answers, and all that they are in: whatever a policy's head can name to mean them.
    pub(crate) principals: Vec<EntityUid>,
    /// What it is about, and all that that is in.
    pub(crate) resources: Vec<EntityUid>,
    pub(crate) asked: Asked,
    principal: EntityUid,
    resource: EntityUid,
    scopes: &'a ScopeSet,
    /// Whether the scope is a circumstance.
    of_scope: bool,
    circumstances: Vec<(&'static str, RestrictedExpression)>,
}

impl<'a> Facts<'a> {
    /// A session asks. `named` is what some policy names. People are in hundreds of groups, each of which
    /// would cost more than the rest of the decision, and one that no policy names decides nothing: no
    /// attribute leads to a group, so a policy speaks of one only by its name. So it is with the domains of
    /// a host. `injected` are the origins that a credential is put into requests to.
    pub(crate) fn new(
        words: &Words,
        named: &Named,
        injected: &[OriginPattern],
        question: &Question<'a>,
    ) -> Result<Self, PolicyError> {
        let asks = question.session;
        let session = uid(&words.session, &asks.id.to_string());
        let agent = uid(&words.agent, asks.agent.as_str());
        let profile = asks.profile.as_ref().map_or("", |profile| profile.as_str());
        let mut known = Known::new(words);
        let (user, groups) = known.person(named, &asks.user)?;
        known.add(
            &session,
            [
                ("user", RestrictedExpression::new_entity_uid(user.clone())),
                ("agent", string(asks.agent.as_str())),
                ("profile", string(profile)),
            ],
            HashSet::from([user.clone(), agent.clone()]),
        )?;
        let what = match question.credential.source {
            SourceKind::Network => network::what(&mut known, named, injected, question)?,
            SourceKind::Signed | SourceKind::Static => token(&mut known, question)?,
        };
        let lifetime = i64::try_from(question.lifetime).map_err(failed)?;
        let lifetime = ("lifetimeSeconds", RestrictedExpression::new_long(lifetime));
        Ok(Self {
            entities: known.entities()?,
            principals: [session.clone(), user, agent]
                .into_iter()
                .chain(groups)
                .collect(),
            resources: std::iter::once(what.resource.clone())
                .chain(what.within)
                .collect(),
            asked: what.asked,
            principal: session,
            resource: what.resource,
            scopes: question.scopes,
            of_scope: what.asked == Asked::Token,
            circumstances: what.circumstances.into_iter().chain([lifetime]).collect(),
        })
    }

    /// Somebody would answer.
    pub(crate) fn of_approver(
        words: &Words,
        named: &Named,
        question: &ApproverQuestion<'a>,
    ) -> Result<Self, PolicyError> {
        let mut known = Known::new(words);
        let (principal, groups) = match question.approver {
            Approver::Person { user } => known.person(named, user)?,
            Approver::Reviewer { name } => {
                let reviewer = uid(&words.reviewer, name);
                known.add(&reviewer, [], HashSet::new())?;
                (reviewer, HashSet::new())
            }
        };
        let requester = known.stranger(question.requester)?;
        let credential = known.credential(question.credential)?;
        let risk = question.risk.map(|risk| ("risk", string(risk.id())));
        let lifetime = i64::try_from(question.lifetime).map_err(failed)?;
        let circumstances = [
            ("audience", string(question.audience.as_str())),
            ("lifetimeSeconds", RestrictedExpression::new_long(lifetime)),
            ("requester", RestrictedExpression::new_entity_uid(requester)),
            ("agent", string(question.agent.as_str())),
        ];
        Ok(Self {
            entities: known.entities()?,
            principals: std::iter::once(principal.clone()).chain(groups).collect(),
            resources: vec![credential.clone()],
            asked: Asked::Nothing,
            principal,
            resource: credential,
            scopes: question.scopes,
            of_scope: true,
            circumstances: circumstances.into_iter().chain(risk).collect(),
        })
    }

    /// Every scope that is asked for, or the empty one where there is none.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let none = self.scopes.is_empty().then_some("");
        self.scopes.iter().chain(none)
    }

    /// The circumstances of one scope.
    pub(crate) fn context(&self, scope: &str) -> Result<Context, PolicyError> {
        let scope = self.of_scope.then(|| ("scope", string(scope)));
        let all = self.circumstances.iter().cloned().chain(scope);
        Context::from_pairs(all.map(|(name, value)| (name.to_owned(), value))).map_err(failed)
    }

    /// What is asked of the policies.
    pub(crate) fn request(
        &self,
        action: &EntityUid,
        context: Context,
    ) -> Result<Request, PolicyError> {
        Request::new(
            self.principal.clone(),
            action.clone(),
            self.resource.clone(),
            context,
            None,
        )
        .map_err(failed)
    }
}

/// What a question is about.
struct What {
    asked: Asked,
    resource: EntityUid,
    /// What the resource is in.
    within: Vec<EntityUid>,
    /// Beside scope and lifetime.
    circumstances: Vec<(&'static str, RestrictedExpression)>,
}

fn token(known: &mut Known<'_>, question: &Question<'_>) -> Result<What, PolicyError> {
    Ok(What {
        asked: Asked::Token,
        resource: known.credential(question.credential)?,
        within: Vec::new(),
        circumstances: vec![("audience", string(question.audience.as_str()))],
    })
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

pub(crate) fn failed(error: impl Display) -> PolicyError {
    PolicyError::Engine(error.to_string())
}

#[cfg(test)]
mod tests;
