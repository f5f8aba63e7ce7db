//! A world with a broker in it, populated as a measurement needs it.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use valetkey_e2e::World;
use valetkey_policy::BASELINE;
use valetkey_sdk::{Agent, Control, Developer, TokenRequest, wire::developer::StartSessionRequest};

use crate::Measured;

/// What is in a place.
#[derive(Clone, Copy)]
pub(crate) struct Population {
    /// Live sessions, each with its socket.
    pub(crate) live: usize,
    /// Sessions in the store that ended long ago.
    pub(crate) dead: usize,
    /// Policies in force, the baseline included.
    pub(crate) policies: usize,
}

/// A broker at work. Its limits on requests are raised, and nothing else is changed.
pub(crate) struct Place {
    pub(crate) world: World,
    /// The sockets of its live sessions.
    pub(crate) sockets: Vec<PathBuf>,
}

impl Place {
    /// Starts a broker, logs in alice (`default`) and an admin (`boss`), and populates it.
    pub(crate) fn with(runtime: &Runtime, population: Population) -> Measured<Self> {
        let mut world = World::new();
        let policies = world.folder().join("policies");
        write_policies(&policies, population.policies)?;
        let folder = policies.display();
        world.configure(&format!(
            "[limits]\nrequests_per_second = 1000000\nburst = 1000000\n\
             [session]\nmax_live = 5000\n[approvals]\nnotify = false\nmax_open = 1000\n\
             slow_after = 1000\nsuspend_after = 1001\n[policy]\nfolder = \"{folder}\"\n"
        ));
        world.start();
        world.login("default", "alice").ok();
        world.login("boss", "boss").ok();
        let mut place = Self {
            world,
            sockets: Vec::new(),
        };
        if population.dead > 0 {
            // One live session shows what a stored one looks like.
            runtime.block_on(place.add_sessions(1))?;
            place.world.stop();
            bury(&place.world.database(), population.dead)?;
            place.world.start();
        }
        let missing = population.live.saturating_sub(place.sockets.len());
        runtime.block_on(place.add_sessions(missing))?;
        Ok(place)
    }

    /// Starts sessions of alice's.
    pub(crate) async fn add_sessions(&mut self, count: usize) -> Measured<()> {
        let developer = self.control().await?.developer();
        for _ in 0..count {
            self.sockets.push(start_session(&developer).await?.1);
        }
        Ok(())
    }

    /// The control socket.
    pub(crate) async fn control(&self) -> Measured<Control> {
        Ok(Control::connect(self.world.control()).await?)
    }

    /// Agents with a connection each, in `count` sessions that lie far apart.
    pub(crate) async fn agents(&self, count: usize) -> Measured<Vec<Agent>> {
        let step = (self.sockets.len() / count.max(1)).max(1);
        let mut agents = Vec::new();
        for socket in self.sockets.iter().step_by(step).take(count) {
            agents.push(Agent::connect(socket).await?);
        }
        Ok(agents)
    }
}

/// Id and socket of a new session.
pub(crate) async fn start_session(developer: &Developer) -> Measured<(String, PathBuf)> {
    let request = StartSessionRequest {
        account: "default".to_owned(),
        agent: "bench".to_owned(),
        ..StartSessionRequest::default()
    };
    let session = developer.start_session(request).await?;
    let socket = session.socket.ok_or("a new session has no socket")?;
    Ok((session.id, socket.into()))
}

/// What every measurement asks for: the baseline permits it at once.
pub(crate) fn request() -> TokenRequest {
    TokenRequest::new("demo-api").scope("api:read")
}

/// One thread, as in most programs that ask for tokens.
pub(crate) fn runtime() -> Measured<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

/// The baseline and policies of other teams: a third names a credential, a third a group, a third both.
fn write_policies(folder: &Path, count: usize) -> Measured<()> {
    DirBuilder::new().mode(0o700).create(folder)?;
    for (name, text) in BASELINE {
        put(&folder.join(name), text)?;
    }
    let mut text = String::new();
    for n in baseline_policies()..count {
        let (group, credential) = (
            format!("principal in Valetkey::Group::\"team-{n}\""),
            format!("resource == Valetkey::Credential::\"service-{n}\""),
        );
        let (principal, resource) = match n % 3 {
            0 => ("principal", credential.as_str()),
            1 => (group.as_str(), "resource"),
            _ => (group.as_str(), credential.as_str()),
        };
        write!(
            text,
            "@id(\"bench.{n}\")\npermit ({principal}, action == Valetkey::Action::\"grant\", {resource})\n\
             when {{ context.scope like \"*:read\" && context.lifetimeSeconds <= 600 }};\n"
        )?;
    }
    put(&folder.join("50-others.cedar"), &text)
}

/// How many policies the baseline has.
fn baseline_policies() -> usize {
    let texts = BASELINE.iter().map(|(_, text)| text);
    texts.map(|text| text.matches("@id(").count()).sum()
}

fn put(path: &Path, text: &str) -> Measured<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, Permissions::from_mode(0o600))?)
}

/// Puts sessions that are over into the database of a broker that does not run, made after one that
/// is there.
fn bury(database: &Path, count: usize) -> Measured<()> {
    let mut db = Connection::open(database)?;
    let (changed, text): (i64, String) =
        db.query_row("SELECT changed, session FROM sessions LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut session: Value = serde_json::from_str(&text)?;
    let fields = session
        .as_object_mut()
        .ok_or("a stored session is not an object")?;
    fields.insert("state".to_owned(), json!({"state": "ended"}));
    let transaction = db.transaction()?;
    {
        let sql = "INSERT INTO sessions (id, live, changed, session) VALUES (?1, 0, ?2, ?3)";
        let mut insert = transaction.prepare(sql)?;
        for n in 0..u128::try_from(count)? {
            // Version 7, born in 2024: before everything that lives.
            let id = 0x018c_c251_f400_7000_8000_0000_0000_0000_u128 + n;
            let dead = dead(&session, id)?;
            insert.execute(params![id.to_be_bytes(), changed, dead])?;
        }
    }
    Ok(transaction.commit()?)
}

fn dead(like: &Value, id: u128) -> Measured<String> {
    let mut session = like.clone();
    let fields = session
        .as_object_mut()
        .ok_or("a stored session is not an object")?;
    fields.insert("id".to_owned(), json!(format!("{id:032x}")));
    Ok(serde_json::to_string(&session)?)
}
