//! A notification on the desktop.

use std::{collections::HashMap, time::Duration};

use tokio::{runtime::Handle, time};
use valetkey_core::{
    Approval, UserId,
    ports::{Answer, CarriedAnswer, Messenger, MessengerError},
    text::printable,
};
use zbus::{Connection, connection, zvariant::Value};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// How long the desktop may take for one call.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most of a list of scopes or of an audience that is shown, in characters.
const SHOWN: usize = 200;

/// Shows each question as a notification (Desktop Notifications Specification 1.2) until it is settled,
/// and says how to answer it. It has no buttons: every program on the session bus could send the signal
/// that a button was pressed, and the agent may be one of them. For the same reason nothing secret is
/// in it, and nothing that an agent wrote: names, scopes and the audience are the configuration's.
#[derive(Clone, Debug, Default)]
pub struct DesktopMessenger {
    /// The session bus of the environment where there is none.
    bus: Option<String>,
}

impl DesktopMessenger {
    /// On the session bus of the environment, which is looked for when there is a question.
    pub const fn new() -> Self {
        Self { bus: None }
    }

    /// On the bus of this address.
    pub fn on(address: impl Into<String>) -> Self {
        Self {
            bus: Some(address.into()),
        }
    }

    async fn show(&self, question: &Approval) -> Result<Shown, MessengerError> {
        let absent = |error: zbus::Error| {
            let why = printable(&error.to_string(), 200);
            MessengerError::Absent(format!("no desktop shows notifications: {why}"))
        };
        let bus = self.connect().await.map_err(absent)?;
        let (summary, body) = words(question);
        let hints: HashMap<&str, Value<'_>> = [
            ("category", Value::from("presence")),
            ("urgency", Value::from(1_u8)),
        ]
        .into();
        let no_buttons: &[&str] = &[];
        let call = (
            "Valetkey", 0_u32, "", &summary, &body, no_buttons, hints, 0_i32,
        );
        let shown = bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &call);
        let reply = shown.await.map_err(absent)?;
        let id = reply.body().deserialize().map_err(absent)?;
        Ok(Shown { bus, id })
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        match &self.bus {
            Some(address) => {
                connection::Builder::address(address.as_str())?
                    .build()
                    .await
            }
            None => Connection::session().await,
        }
    }
}

impl Messenger for DesktopMessenger {
    fn name(&self) -> &str {
        "desktop"
    }

    /// Answers `None` when the question's time is over. Dropping the future before then takes the
    /// notification away.
    fn carry<'a>(
        &'a self,
        question: &'a Approval,
        _asker: &'a UserId,
    ) -> Answer<'a, Result<Option<CarriedAnswer>, MessengerError>> {
        Box::pin(async move {
            let shown = time::timeout(PATIENCE, self.show(question)).await;
            let slow = |_| MessengerError::Failed("the desktop does not answer".to_owned());
            let _shown = shown.map_err(slow)??;
            let life = question.expires.remaining_seconds(question.at);
            time::sleep(Duration::from_secs(life)).await;
            Ok(None)
        })
    }
}

/// A notification that is there until this is dropped.
struct Shown {
    bus: Connection,
    id: u32,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let (bus, id) = (self.bus.clone(), self.id);
        // Without a runtime the broker is ending, and with it the connection.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let call =
                    bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "CloseNotification", &id);
                drop(time::timeout(PATIENCE, call).await);
            });
        }
    }
}

fn words(question: &Approval) -> (String, String) {
    let asked = &question.asked;
    let scopes = match asked.grant.scopes.to_string() {
        none if none.is_empty() => "no scope".to_owned(),
        scopes => scopes,
    };
    let summary = format!("{} asks for {}", asked.agent, asked.credential);
    let body = format!(
        "{scopes}\nfor {audience}\nsession {session}\nquestion {id}\nTo answer, run: valetkey approvals",
        scopes = marked_up(&scopes),
        audience = marked_up(asked.grant.audience.as_str()),
        session = question.session,
        // Also keeps two questions apart that are otherwise alike: some desktops show those as one.
        id = question.id,
    );
    (summary, body)
}

/// The body is markup; the summary is not.
fn marked_up(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text, SHOWN).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}
