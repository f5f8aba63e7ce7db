//! A question in Cedar's words: who asks, for what, under which circumstances.
//!
//! Built directly and without Cedar's own conformance check, which would cost more than the decision:
//! a test holds every kind of question against the schema instead.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, Request,
    RestrictedExpression,
};
use valetkey_core::{
    SourceKind,
    ports::{PolicyError, Question},
};

/// The schema's names, parsed once.
pub(crate) struct Words {
    session: EntityTypeName,
    user: EntityTypeName,
    group: EntityTypeName,
    agent: EntityTypeName,
    credential: EntityTypeName,
    grant: EntityUid,
}

impl Words {
    pub(crate) fn new() -> Result<Self, PolicyError> {
        let name = |name: &str| format!("Valetkey::{name}").parse().map_err(failed);
        let action: EntityTypeName = name("Action")?;
        Ok(Self {
            session: name("Session")?,
            user: name("User")?,
            group: name("Group")?,
            agent: name("Agent")?,
            credential: name("Credential")?,
            grant: uid(&action, "grant"),
        })
    }
}

/// Groups, by name.
#[derive(Debug)]
pub(crate) struct Groups(HashSet<Box<str>>);

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
    /// The session and all that it is in: whatever a policy's head can name to mean it.
    pub(crate) principals: Vec<EntityUid>,
    pub(crate) credential: EntityUid,
    session: EntityUid,
    grant: EntityUid,
    lifetime: i64,
    question: &'a Question<'a>,
}

impl<'a> Facts<'a> {
    /// `named` are the groups that some policy names. People are in hundreds of groups, each of which
    /// would cost more than the rest of the decision, and one that no policy names decides nothing: no
    /// attribute leads to a group, so a policy speaks of one only by its name.
    pub(crate) fn new(
        words: &Words,
        named: &Groups,
        question: &'a Question<'a>,
    ) -> Result<Self, PolicyError> {
        let asks = question.session;
        let user_id = &asks.user.id;
        // The two parts must be told apart again, or one provider could name another's user.
        if user_id.issuer.contains('#') {
            return Err(PolicyError::Engine("an issuer holds a `#`".to_owned()));
        }
        let session = uid(&words.session, &asks.id.to_string());
        let agent = uid(&words.agent, asks.agent.as_str());
        let user = uid(
            &words.user,
            &format!("{}#{}", user_id.issuer, user_id.subject),
        );
        let groups: HashSet<EntityUid> = asks
            .user
            .groups
            .iter()
            .filter(|group| named.0.contains(group.as_str()))
            .map(|group| uid(&words.group, group))
            .collect();
        let credential = uid(&words.credential, question.credential.name.as_str());

        let principals = [&session, &user, &agent]
            .into_iter()
            .chain(&groups)
            .cloned()
            .collect();
        let entities = [
            entity(
                &session,
                [
                    ("user", RestrictedExpression::new_entity_uid(user.clone())),
                    ("agent", string(asks.agent.as_str())),
                ],
                HashSet::from([user.clone(), agent]),
            )?,
            entity(
                &user,
                [
                    ("issuer", string(&user_id.issuer)),
                    ("subject", string(&user_id.subject)),
                ],
                groups,
            )?,
            entity(
                &credential,
                [("source", string(source(question.credential.source)))],
                HashSet::new(),
            )?,
        ];
        Ok(Self {
            entities: Entities::from_entities(entities, None).map_err(failed)?,
            principals,
            credential,
            session,
            grant: words.grant.clone(),
            lifetime: i64::try_from(question.lifetime).map_err(failed)?,
            question,
        })
    }

    /// One request for each scope, or one with the empty scope where the question names none.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Result<Request, PolicyError>> {
        let scopes = self.question.scopes;
        let none = scopes.is_empty().then_some("");
        scopes.iter().chain(none).map(|scope| self.request(scope))
    }

    fn request(&self, scope: &str) -> Result<Request, PolicyError> {
        let context = Context::from_pairs([
            ("scope".to_owned(), string(scope)),
            (
                "audience".to_owned(),
                string(self.question.audience.as_str()),
            ),
            (
                "lifetimeSeconds".to_owned(),
                RestrictedExpression::new_long(self.lifetime),
            ),
        ])
        .map_err(failed)?;
        Request::new(
            self.session.clone(),
            self.grant.clone(),
            self.credential.clone(),
            context,
            None,
        )
        .map_err(failed)
    }
}

fn entity<const N: usize>(
    uid: &EntityUid,
    attributes: [(&str, RestrictedExpression); N],
    parents: HashSet<EntityUid>,
) -> Result<Entity, PolicyError> {
    let attributes: HashMap<_, _> = attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Entity::new(uid.clone(), attributes, parents).map_err(failed)
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// As the configuration spells it.
const fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Signed => "signed",
    }
}

pub(crate) fn failed(error: impl Display) -> PolicyError {
    PolicyError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use cedar_policy::{Entities, Request, Schema};
    use proptest::{collection::vec, prelude::*};
    use valetkey_core::ports::{PolicyError, Question};
    use valetkey_support::contracts::policy::{credential, session};

    use std::collections::HashSet;

    use super::{Facts, Groups, Words};
    use crate::SCHEMA;

    proptest! {
        /// What is built here fits the schema that policies are validated against, whatever an ID
        /// token or a configuration holds. Without that, strict validation would promise nothing.
        #[test]
        fn every_question_fits_the_schema(
            subject in "\\PC{0,40}",
            groups in vec("\\PC{0,20}", 0..5),
            agent in "[a-z][a-z0-9.-]{0,10}",
            scopes in vec("[a-z:*.]{1,10}", 0..4),
            lifetime in 1..=3600_u64,
        ) {
            let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
            let groups: Vec<_> = groups.iter().map(String::as_str).collect();
            let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
            let session = session("https://id.example.test", &subject, &groups, &agent);
            let credential = credential("api", &scopes);
            let words = Words::new().unwrap();
            let question = Question {
                session: &session,
                credential: &credential,
                scopes: &credential.scopes,
                audience: &credential.audiences.first,
                lifetime,
            };
            let named = groups.iter().map(|group| (*group).into());
            let facts = Facts::new(&words, &Groups(named.collect()), &question).unwrap();
            let entities = facts.entities.iter().cloned();
            prop_assert!(Entities::from_entities(entities, Some(&schema)).is_ok());
            let requests: Vec<_> = facts.requests().map(Result::unwrap).collect();
            prop_assert_eq!(requests.len(), credential.scopes.iter().count().max(1));
            for request in requests {
                let checked = Request::new(
                    request.principal().unwrap().clone(),
                    request.action().unwrap().clone(),
                    request.resource().unwrap().clone(),
                    request.context().unwrap().clone(),
                    Some(&schema),
                );
                prop_assert!(checked.is_ok());
            }
        }
    }

    #[test]
    fn one_provider_cannot_name_anothers_user() {
        let session = session("https://id.example.test#a", "b", &[], "coder");
        let credential = credential("api", &["read"]);
        let words = Words::new().unwrap();
        let question = Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &credential.audiences.first,
            lifetime: 600,
        };
        let facts = Facts::new(&words, &Groups(HashSet::new()), &question);
        assert!(matches!(facts, Err(PolicyError::Engine(_))));
    }
}
