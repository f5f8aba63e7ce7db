//! Why a request was answered as it was, or would be.

use valetkey_codes::Code;

use super::replay::{Past, Read, Replay, as_if};
use crate::{
    AccountName, AgentName, Broker, Credential, Grant, Refusal, RequestId, Session, SessionId,
    ports::{Explanation, Freshness, Question},
    request::Ask,
};

/// What is to be explained.
#[derive(Clone, Debug)]
pub enum About {
    /// A request of the ledger, asked again of the policies in force.
    Request(RequestId),
    /// A request that nobody made.
    Hypothetical(Hypothetical),
}

/// A request that nobody made.
#[derive(Clone, Debug)]
pub struct Hypothetical {
    /// The session that would make it; where there is none, a new one of account and agent.
    pub session: Option<SessionId>,
    /// The account.
    pub account: AccountName,
    /// The agent.
    pub agent: AgentName,
    /// What it would ask for.
    pub ask: Ask,
}

/// An explanation, with what it is about.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What was asked, in words.
    pub question: String,
    /// What came of it then, for a request of the ledger.
    pub outcome: Option<String>,
    /// Why. Its tier is the one that counts, with the least friction of the credential.
    pub explanation: Explanation,
}

/// Explains. A request of the ledger is searched from the beginning, about a second for a million
/// records; the policies then compute for up to a second: call it where blocking is fine.
pub async fn explain(broker: &Broker, about: About) -> Result<Explained, Refusal> {
    match about {
        About::Request(id) => {
            let past = find(broker, id).await?;
            let explanation = ask(broker, &past.session, &past.credential, &past.grant)?;
            Ok(Explained {
                question: words(&past.session, &past.credential, &past.grant),
                outcome: Some(past.outcome),
                explanation,
            })
        }
        About::Hypothetical(hypothetical) => {
            let session = session(broker, &hypothetical).await?;
            let credentials = &broker.settings.credentials;
            let (credential, grant) = hypothetical.ask.read(&session, credentials, broker.now())?;
            let explanation = ask(broker, &session, &credential, &grant)?;
            Ok(Explained {
                question: words(&session, &credential, &grant),
                outcome: None,
                explanation,
            })
        }
    }
}

async fn find(broker: &Broker, id: RequestId) -> Result<Past, Refusal> {
    let mut found = None;
    Replay::new(broker)
        .walk(|_, read| {
            if let Read::Past(past) = read
                && past.request == id
            {
                // The last record of a request is the one that says what came of it.
                found = Some(*past);
            }
        })
        .await?;
    found.ok_or_else(|| {
        Refusal::new(Code::InvalidRequest)
            .saying("the ledger has no request of that id that the policies could be asked about")
    })
}

async fn session(broker: &Broker, hypothetical: &Hypothetical) -> Result<Session, Refusal> {
    if let Some(id) = hypothetical.session {
        let known = broker.ports.sessions.load(id).ok_or(Code::UnknownSession)?;
        return Ok(Session::clone(&known));
    }
    let account = hypothetical.account.clone();
    let user = broker
        .ports
        .logins
        .current(&account, Freshness::Known)
        .await?;
    let id = SessionId::new(broker.now(), &*broker.ports.entropy);
    Ok(as_if(
        broker,
        id,
        (account, user),
        hypothetical.agent.clone(),
    ))
}

fn ask(
    broker: &Broker,
    session: &Session,
    credential: &Credential,
    grant: &Grant,
) -> Result<Explanation, Refusal> {
    let question = Question {
        session,
        credential,
        scopes: &grant.scopes,
        audience: &grant.audience,
        lifetime: grant.lifetime,
    };
    let credentials = &broker.settings.credentials;
    let explained = broker.ports.lab.explain(&question, credentials);
    let mut explanation =
        explained.map_err(|error| Refusal::new(Code::PolicyInvalid).saying(error.to_string()))?;
    explanation.tier = explanation.tier.max(credential.min_tier);
    Ok(explanation)
}

fn words(session: &Session, credential: &Credential, grant: &Grant) -> String {
    format!(
        "agent `{}` of `{}` asks for `{}`, scopes `{}`, for {}, {} s",
        session.agent,
        session.user.display,
        credential.name,
        grant.scopes,
        grant.audience,
        grant.lifetime
    )
}
