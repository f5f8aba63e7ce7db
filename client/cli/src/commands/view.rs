//! What several commands show in the same way.

use serde::Serialize;
use valetkey_sdk::wire::{agent, developer as dev};

use crate::output::{Page, Show, Tone, moment, remaining};

/// A human, known by issuer and subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct User {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) display: String,
    pub(crate) groups: Vec<String>,
}

impl From<dev::User> for User {
    fn from(user: dev::User) -> Self {
        Self {
            issuer: user.issuer,
            subject: user.subject,
            display: user.display,
            groups: user.groups,
        }
    }
}

impl User {
    /// The name to show.
    pub(crate) fn name(&self) -> &str {
        name(&self.display, &self.subject)
    }
}

/// A display name, or the subject where there is none.
pub(crate) fn name<'a>(display: &'a str, subject: &'a str) -> &'a str {
    if display.is_empty() { subject } else { display }
}

/// A session, as its developer sees it.
#[derive(Serialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) user: Option<User>,
    pub(crate) agent: String,
    pub(crate) workspace: Option<String>,
    pub(crate) state: String,
    pub(crate) state_reason: Option<String>,
    pub(crate) revoked_by: Option<String>,
    pub(crate) started_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) socket: Option<String>,
}

impl From<dev::Session> for Session {
    fn from(session: dev::Session) -> Self {
        Self {
            id: session.id,
            account: session.account,
            user: session.user.map(User::from),
            agent: session.agent,
            workspace: session.workspace,
            state: session.state,
            state_reason: session.state_reason,
            revoked_by: session.revoked_by,
            started_at: session.started_at,
            expires_at: session.expires_at,
            socket: session.socket,
        }
    }
}

impl Session {
    fn user(&self) -> &str {
        self.user.as_ref().map_or("unknown", User::name)
    }

    /// Every fact, one to a line.
    pub(crate) fn facts(&self, page: &mut Page) {
        let mut state = self.state.clone();
        for (word, detail) in [(" by ", &self.revoked_by), (": ", &self.state_reason)] {
            if let Some(detail) = detail {
                state.push_str(word);
                state.push_str(detail);
            }
        }
        let mut facts = vec![
            ("session", self.id.clone()),
            ("state", state),
            ("agent", self.agent.clone()),
            (
                "user",
                format!("{} (account {})", self.user(), self.account),
            ),
            ("started", moment(self.started_at)),
            ("ends", ends(&self.state, self.expires_at)),
        ];
        for (name, fact) in [("workspace", &self.workspace), ("socket", &self.socket)] {
            facts.extend(fact.clone().map(|fact| (name, fact)));
        }
        page.facts(&facts);
    }
}

/// Sessions, one to a row.
#[derive(Serialize)]
pub(crate) struct Sessions {
    pub(crate) sessions: Vec<Session>,
}

impl Show for Sessions {
    fn show(&self, page: &mut Page) {
        if self.sessions.is_empty() {
            return page
                .line("There are no sessions. Start one: valetkey session start --agent NAME");
        }
        let rows = self.sessions.iter().map(|session| {
            let cells = [
                session.id.clone(),
                session.agent.clone(),
                session.user().to_owned(),
                session.state.clone(),
                left(&session.state, session.expires_at),
            ];
            (tone(&session.state), cells)
        });
        page.table(["id", "agent", "user", "state", "ends in"], rows.collect());
        for session in self.sessions.iter().filter(|one| one.state == "held") {
            page.toned(
                Tone::Care,
                &format!(
                    "{} is held: {}. Wake it: valetkey session resume {}",
                    session.id,
                    session.state_reason.as_deref().unwrap_or("no reason given"),
                    session.id
                ),
            );
        }
    }
}

/// A session, as the agent in it sees it.
#[derive(Serialize)]
pub(crate) struct OwnSession {
    id: String,
    agent: String,
    state: String,
    expires_at: u64,
}

impl From<agent::Session> for OwnSession {
    fn from(session: agent::Session) -> Self {
        Self {
            id: session.id,
            agent: session.agent,
            state: session.state,
            expires_at: session.expires_at,
        }
    }
}

impl Show for OwnSession {
    fn show(&self, page: &mut Page) {
        page.facts(&[
            ("session", self.id.clone()),
            ("state", self.state.clone()),
            ("agent", self.agent.clone()),
            ("ends", ends(&self.state, self.expires_at)),
        ]);
    }
}

/// How a state is meant.
pub(crate) fn tone(state: &str) -> Tone {
    match state {
        "active" => Tone::Plain,
        "suspended" | "held" => Tone::Care,
        "revoked" => Tone::Bad,
        _ => Tone::Dim,
    }
}

/// How long a session goes on; one that is over does not.
pub(crate) fn left(state: &str, expires_at: u64) -> String {
    if is_live(state) {
        remaining(expires_at)
    } else {
        "-".to_owned()
    }
}

fn ends(state: &str, expires_at: u64) -> String {
    let at = moment(expires_at);
    if is_live(state) {
        format!("{at}, in {}", remaining(expires_at))
    } else {
        at
    }
}

fn is_live(state: &str) -> bool {
    matches!(state, "active" | "suspended" | "held")
}
