//! A question in Cedar's words: who asks, for what, under which circumstances.
//!
//! Built directly and without Cedar's own conformance check, which would cost more than the decision:
//! a test holds every kind of question against the schema instead.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
};

use cedar_policy::{Context, Entities, Entity, EntityUid, Policy, Request, RestrictedExpression};
use valetkey_core::{
    Approver, Audience, Credential, ScopeSet, SourceKind, User, UserId,
    ports::{ApproverQuestion, PolicyError, Question},
};

use crate::words::{Words, uid};

/// Groups, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups(pub(crate) HashSet<Box<str>>);

impl Groups {
    /// Those that `policies` name, in head or condition.
    pub(crate) fn named_by(words: &Words, policies: &[Policy]) -> Self {
        let literals = policies.iter().flat_map(Policy::entity_literals);
        let groups = literals.filter(|literal| *literal.type_name() == words.group);
        Self(groups.map(|group| group.id().unescaped().into()).collect())
    }
}

/// What is true of a question, in all of its requests.
pub(crate) struct Facts<'a> {
    pub(crate) entities: Entities,
    /// Who asks or answers, and all that they are in: whatever a policy's head can name to mean them.
    pub(crate) principals: Vec<EntityUid>,
    pub(crate) credential: EntityUid,
    principal: EntityUid,
    scopes: &'a ScopeSet,
    audience: &'a Audience,
    lifetime: i64,
    more: Vec<(&'static str, RestrictedExpression)>,
}

impl<'a> Facts<'a> {
    /// A session asks. `named` are the groups that some policy names. People are in hundreds of groups,
    /// each of which would cost more than the rest of the decision, and one that no policy names decides
    /// nothing: no attribute leads to a group, so a policy speaks of one only by its name.
    pub(crate) fn new(
        words: &Words,
        named: &Groups,
        question: &Question<'a>,
    ) -> Result<Self, PolicyError> {
        let asks = question.session;
        let session = uid(&words.session, &asks.id.to_string());
        let agent = uid(&words.agent, asks.agent.as_str());
        let mut known = Known::new(words);
        let (user, groups) = known.person(named, &asks.user)?;
        known.add(
            &session,
            [
                ("user", RestrictedExpression::new_entity_uid(user.clone())),
                ("agent", string(asks.agent.as_str())),
            ],
            HashSet::from([user.clone(), agent.clone()]),
        )?;
        let credential = known.credential(question.credential)?;
        Ok(Self {
            entities: known.entities()?,
            principals: [session.clone(), user, agent]
                .into_iter()
                .chain(groups)
                .collect(),
            credential,
            principal: session,
            scopes: question.scopes,
            audience: question.audience,
            lifetime: i64::try_from(question.lifetime).map_err(failed)?,
            more: Vec::new(),
        })
    }

    /// Somebody would answer.
    pub(crate) fn of_approver(
        words: &Words,
        named: &Groups,
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
        let more = [
            ("requester", RestrictedExpression::new_entity_uid(requester)),
            ("agent", string(question.agent.as_str())),
        ];
        Ok(Self {
            entities: known.entities()?,
            principals: std::iter::once(principal.clone()).chain(groups).collect(),
            credential,
            principal,
            scopes: question.scopes,
            audience: question.audience,
            lifetime: i64::try_from(question.lifetime).map_err(failed)?,
            more: more.into_iter().chain(risk).collect(),
        })
    }

    /// Every scope that is asked for, or the empty one where there is none.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let none = self.scopes.is_empty().then_some("");
        self.scopes.iter().chain(none)
    }

    /// The circumstances of one scope.
    pub(crate) fn context(&self, scope: &str) -> Result<Context, PolicyError> {
        let asked = [
            ("scope", string(scope)),
            ("audience", string(self.audience.as_str())),
            (
                "lifetimeSeconds",
                RestrictedExpression::new_long(self.lifetime),
            ),
        ];
        let all = asked.into_iter().chain(self.more.iter().cloned());
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
            self.credential.clone(),
            context,
            None,
        )
        .map_err(failed)
    }
}

/// Entities, each once.
struct Known<'a> {
    words: &'a Words,
    all: Vec<Entity>,
}

impl<'a> Known<'a> {
    fn new(words: &'a Words) -> Self {
        Self {
            words,
            all: Vec::with_capacity(4),
        }
    }

    fn add<const N: usize>(
        &mut self,
        uid: &EntityUid,
        attributes: [(&str, RestrictedExpression); N],
        parents: HashSet<EntityUid>,
    ) -> Result<(), PolicyError> {
        let attributes: HashMap<_, _> = attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let entity = Entity::new(uid.clone(), attributes, parents).map_err(failed)?;
        self.all.push(entity);
        Ok(())
    }

    /// Somebody whose groups are known.
    fn person(
        &mut self,
        named: &Groups,
        user: &User,
    ) -> Result<(EntityUid, HashSet<EntityUid>), PolicyError> {
        let groups: HashSet<_> = user
            .groups
            .iter()
            .filter(|group| named.0.contains(group.as_str()))
            .map(|group| uid(&self.words.group, group))
            .collect();
        let person = self.words.person(&user.id)?;
        self.add(&person, names(&user.id), groups.clone())?;
        Ok((person, groups))
    }

    /// Somebody who is spoken of, unless they are known already.
    fn stranger(&mut self, id: &UserId) -> Result<EntityUid, PolicyError> {
        let person = self.words.person(id)?;
        if !self.all.iter().any(|known| known.uid() == person) {
            self.add(&person, names(id), HashSet::new())?;
        }
        Ok(person)
    }

    fn credential(&mut self, credential: &Credential) -> Result<EntityUid, PolicyError> {
        let name = uid(&self.words.credential, credential.name.as_str());
        let source = ("source", string(source(credential.source)));
        let labels = credential.labels.iter().map(|label| string(label));
        let labels = ("labels", RestrictedExpression::new_set(labels));
        match &credential.owner {
            Some(owner) => {
                let owner = RestrictedExpression::new_entity_uid(self.stranger(owner)?);
                self.add(&name, [source, labels, ("owner", owner)], HashSet::new())?;
            }
            None => self.add(&name, [source, labels], HashSet::new())?,
        }
        Ok(name)
    }

    fn entities(self) -> Result<Entities, PolicyError> {
        Entities::from_entities(self.all, None).map_err(failed)
    }
}

fn names(id: &UserId) -> [(&'static str, RestrictedExpression); 2] {
    [
        ("issuer", string(&id.issuer)),
        ("subject", string(&id.subject)),
    ]
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// As the configuration spells it.
const fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Signed => "signed",
        SourceKind::Static => "static",
        SourceKind::Network => "network",
    }
}

pub(crate) fn failed(error: impl Display) -> PolicyError {
    PolicyError::Engine(error.to_string())
}

#[cfg(test)]
mod tests;
