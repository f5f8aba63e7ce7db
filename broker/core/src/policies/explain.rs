//! Why a request was answered as it was, or would be.

use valetkey_codes::Code;

use super::{
    Part,
    replay::{Past, Read, Replay, as_delivered, as_if},
};
use crate::{
    AccountName, AgentName, Broker, Credential, Grant, ProfileName, Refusal, Session, SessionId,
    SourceKind,
    network::Target,
    ports::{Explanation, Freshness, Question},
    request::Ask,
};

/// What is to be explained.
#[derive(Clone, Debug)]
pub enum About {
    /// A request of the ledger, asked again of the policies in force.
    Request(Part),
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
    /// The profile of its sandbox; a session that is named has its own.
    pub profile: Option<ProfileName>,
    /// What it would ask for, of whichever delivery.
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
    /// What stands in the way whatever the policies say.
    pub care: Option<&'static str>,
}

/// Explains. A request of the ledger is searched from the beginning, about a second for a million
/// records; the policies then compute for up to a second: call it where blocking is fine.
pub async fn explain(broker: &Broker, about: About) -> Result<Explained, Refusal> {
    match about {
        About::Request(part) => {
            let past = find(broker, &part).await?;
            let explanation = ask(broker, &past.session, &past.credential, &past.grant)?;
            Ok(Explained {
                question: words(&past.session, &past.credential, &past.grant),
                outcome: Some(past.outcome),
                explanation,
                care: care(&past.credential, &past.grant),
            })
        }
        About::Hypothetical(hypothetical) => {
            let session = session(broker, &hypothetical).await?;
            let credentials = &broker.settings.credentials;
            let asked = as_delivered(hypothetical.ask, credentials);
            let (credential, grant) = asked.read(&session, credentials, broker.now())?;
            let explanation = ask(broker, &session, &credential, &grant)?;
            Ok(Explained {
                question: words(&session, &credential, &grant),
                outcome: None,
                explanation,
                care: care(&credential, &grant),
            })
        }
    }
}

async fn find(broker: &Broker, part: &Part) -> Result<Past, Refusal> {
    let mut found: Option<Past> = None;
    let mut several = false;
    Replay::new(broker)
        .walk(|_, read| {
            if let Read::Past(past) = read
                && part.is_of(past.request)
            {
                several |= found
                    .as_ref()
                    .is_some_and(|one| one.request != past.request);
                // The last record of a request is the one that says what came of it.
                found = Some(*past);
            }
        })
        .await?;
    if several {
        return Err(Refusal::new(Code::InvalidRequest)
            .saying(format!("several requests have `{part}` in their id"))
            .advising("write more of it, or take its end: they begin with the time"));
    }
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
    let profile = hypothetical.profile.clone();
    Ok(Session {
        profile,
        ..as_if(broker, id, (account, user), hypothetical.agent.clone())
    })
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

/// The proxy looks at addresses before it asks.
fn care(credential: &Credential, grant: &Grant) -> Option<&'static str> {
    if credential.source != SourceKind::Network {
        return None;
    }
    let targets = grant.scopes.iter();
    let mut targets = targets.filter_map(|scope| Target::read(scope, &grant.audience));
    let is_address = targets.any(|target| target.origin().endpoint.host.ip().is_some());
    is_address.then_some(
        "whatever the policies say, the proxy refuses an address that `network.addresses` does not name with its port",
    )
}

fn words(session: &Session, credential: &Credential, grant: &Grant) -> String {
    let profile = match &session.profile {
        Some(profile) => format!(" in the profile `{profile}`"),
        None => String::new(),
    };
    format!(
        "agent `{}` of `{}`{profile} asks {}, {} s",
        session.agent,
        session.user.display,
        wanted(credential, grant),
        grant.lifetime
    )
}

fn wanted(credential: &Credential, grant: &Grant) -> String {
    let Grant {
        scopes, audience, ..
    } = grant;
    match credential.source {
        SourceKind::Network if scopes.iter().eq([Target::CONNECT]) => {
            format!("to reach {audience}")
        }
        SourceKind::Network => format!("to send `{scopes} {audience}`"),
        SourceKind::Signed | SourceKind::Static => {
            format!(
                "for `{}`, scopes `{scopes}`, for {audience}",
                credential.name
            )
        }
    }
}
