//! The requests of the ledger, as questions again.

use std::{collections::HashMap, sync::Arc};

use crate::{
    AccountName, AgentName, Broker, Credential, Credentials, Delivery, Event, Grant, Pins,
    ProfileName, Record, Refusal, RequestId, Session, SessionId, SessionState, User,
    flow::ledger_refusal,
    ports::Entry,
    request::{Ask, Wanted},
};

/// How many records are read at once.
const BATCH: u32 = 1024;

/// One request of the ledger.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) request: RequestId,
    /// Milliseconds since the Unix epoch.
    pub(super) at: u64,
    /// The session as it was then, as far as policies see it.
    pub(super) session: Session,
    pub(super) credential: Arc<Credential>,
    pub(super) grant: Grant,
    /// What came of it, in words.
    pub(super) outcome: String,
}

/// What reading one record came to.
pub(super) enum Read {
    /// A request that can be asked again.
    Past(Box<Past>),
    /// A request that cannot: its credential, its scopes or its session are not known any more.
    Lost,
    /// No request.
    Other,
}

/// Whose session it is, as of the record that was read last.
struct Person {
    account: AccountName,
    user: User,
    agent: AgentName,
    profile: Option<ProfileName>,
}

/// Reads the ledger from its beginning and keeps what it must know to understand what follows.
pub(super) struct Replay<'a> {
    broker: &'a Broker,
    people: HashMap<SessionId, Person>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(broker: &'a Broker) -> Self {
        Self {
            broker,
            people: HashMap::new(),
        }
    }

    /// Tells `visit` of every request, oldest first.
    pub(super) async fn walk(mut self, mut visit: impl FnMut(u64, Read)) -> Result<(), Refusal> {
        let mut seen = 0;
        loop {
            let read = self.broker.ports.audit.after(seen, BATCH).await;
            let entries = read.map_err(|error| ledger_refusal(&error))?;
            let Some(last) = entries.last() else {
                return Ok(());
            };
            seen = last.sequence;
            for record in entries.iter().filter_map(record) {
                let read = self.one(&record);
                visit(record.at, read);
            }
        }
    }

    fn one(&mut self, record: &Record) -> Read {
        match &record.event {
            Event::SessionStarted {
                user,
                groups,
                account,
                agent,
                profile,
                ..
            } => {
                let person = Person {
                    account: account.clone(),
                    user: User {
                        id: user.clone(),
                        display: user.subject.clone(),
                        groups: groups.clone(),
                    },
                    agent: agent.clone(),
                    profile: profile.clone(),
                };
                if let Some(session) = record.session {
                    self.people.insert(session, person);
                }
                Read::Other
            }
            Event::SessionChanged {
                groups: Some(groups),
                ..
            } => {
                let known = record.session.and_then(|id| self.people.get_mut(&id));
                if let Some(person) = known {
                    person.user.groups.clone_from(groups);
                }
                Read::Other
            }
            Event::TokenIssued { lease, .. } => {
                let name = lease.credential.as_str();
                self.past(record, name, &lease.grant, "granted".to_owned())
            }
            Event::ApprovalAsked { asked, .. } => {
                let outcome = format!("put to approval, tier {}", asked.tier.id());
                self.past(record, asked.credential.as_str(), &asked.grant, outcome)
            }
            Event::TokenRefused {
                code,
                detail,
                credential,
                scopes,
                audience,
                lifetime,
                ..
            } => {
                let ask = Ask {
                    credential: credential.clone(),
                    scopes: vec![scopes.clone()],
                    audience: audience.clone(),
                    lifetime: *lifetime,
                    ..Ask::default()
                };
                let why = detail.as_deref().unwrap_or("no more is known");
                let outcome = format!("refused ({code}: {why})");
                self.refused(record, ask, outcome)
            }
            _ => Read::Other,
        }
    }

    fn refused(&self, record: &Record, ask: Ask, outcome: String) -> Read {
        let Some(session) = self.session(record) else {
            return Read::Lost;
        };
        let (credentials, now) = (&self.broker.settings.credentials, self.broker.now());
        let ask = as_delivered(ask, credentials);
        match ask.read(&session, credentials, now) {
            Ok((credential, grant)) => self.past(record, credential.name.as_str(), &grant, outcome),
            Err(_) => Read::Lost,
        }
    }

    fn past(&self, record: &Record, credential: &str, grant: &Grant, outcome: String) -> Read {
        let credential = self.broker.settings.credentials.find(credential);
        match (record.request, self.session(record), credential) {
            (Some(request), Some(session), Some(credential)) => Read::Past(Box::new(Past {
                request,
                at: record.at,
                session,
                credential,
                grant: grant.clone(),
                outcome,
            })),
            _ => Read::Lost,
        }
    }

    fn session(&self, record: &Record) -> Option<Session> {
        let id = record.session?;
        let person = self.people.get(&id)?;
        let who = (person.account.clone(), person.user.clone());
        let session = as_if(self.broker, id, who, person.agent.clone());
        let profile = person.profile.clone();
        Some(Session { profile, ..session })
    }
}

fn record(entry: &Entry) -> Option<Record> {
    serde_json::from_slice(&entry.record).ok()
}

/// The same ask, wanted as its credential is delivered: whoever asks in thought is shown nothing.
pub(super) fn as_delivered(ask: Ask, credentials: &Credentials) -> Ask {
    let credential = credentials.find(&ask.credential);
    let wanted = match credential.as_ref().map(|one| &one.delivery) {
        Some(Delivery::Inject(_) | Delivery::Pass) => Wanted::Use,
        Some(Delivery::Token) | None => Wanted::Token,
    };
    Ask { wanted, ..ask }
}

/// A session that has just begun, as far as policies see one.
pub(super) fn as_if(
    broker: &Broker,
    id: SessionId,
    (account, user): (AccountName, User),
    agent: AgentName,
) -> Session {
    let now = broker.now();
    Session {
        id,
        account,
        user,
        agent,
        profile: None,
        workspace: None,
        pins: Pins::default(),
        started: now,
        deadline: now.after(broker.settings.session_max),
        state: SessionState::Active,
        forgiven: None,
    }
}
