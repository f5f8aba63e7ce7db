//! What the launcher is told of the sandbox that it makes.

use std::sync::Arc;

use valetkey_codes::Code;
use valetkey_core::{
    Broker, Delivery, Profile, ProfileName, Refusal, Session, Workspace, lifecycle,
    ports::Furniture,
};
use valetkey_wire::developer::{Room, Sandbox, Variable};

use super::view;

/// Where the proxy is, seen from inside.
const PROXY: &str = "http://127.0.0.1:3128";

/// The profile that is asked for.
pub(super) fn profile(
    broker: &Broker,
    asked: Option<Sandbox>,
) -> Result<Option<Arc<Profile>>, Refusal> {
    let Some(asked) = asked else {
        return Ok(None);
    };
    named(broker, asked.profile.as_deref()).map(Some)
}

/// The profile of that name; the usual one where there is none.
pub(super) fn named(broker: &Broker, name: Option<&str>) -> Result<Arc<Profile>, Refusal> {
    let profiles = &broker.settings.profiles;
    let name = name.map(ProfileName::parse);
    let name = name
        .transpose()
        .map_err(|bad| view::invalid(format!("profile: {bad}")))?;
    if let Some(profile) = profiles.find(name.as_ref()) {
        return Ok(profile);
    }
    let names: Vec<_> = profiles.names().map(|name| format!("`{name}`")).collect();
    let there = match names.as_slice() {
        [] => "none at all".to_owned(),
        names => format!("only {}", names.join(", ")),
    };
    let why = match name {
        Some(name) if profiles.forbids(&name) => {
            format!("the admin's requirements do not allow the sandbox profile `{name}`, {there}")
        }
        Some(name) => {
            format!("there is no sandbox profile `{name}` on this machine, {there}")
        }
        None => "the admin's requirements allow no sandbox profile".to_owned(),
    };
    Err(Refusal::new(Code::ProfileForbidden).saying(why))
}

/// The room of a session that has just begun. Where it cannot be furnished, the session is ended again.
pub(super) async fn describe(
    broker: &Broker,
    session: &Session,
    profile: &Profile,
) -> Result<Room, Refusal> {
    let furniture = match broker.ports.rooms.furnish(session).await {
        Ok(furniture) => furniture,
        Err(error) => {
            lifecycle::end(broker, session.id).await?;
            return Err(Refusal::new(Code::Internal).because(error.to_string()));
        }
    };
    let workspace = match profile.workspace {
        Workspace::ReadOnly => "read-only",
        Workspace::Writable => "writable",
        Workspace::Open => "open",
    };
    Ok(Room {
        profile: profile.name.to_string(),
        workspace: workspace.to_owned(),
        protected: profile.protected.clone(),
        readable: profile.readable.clone(),
        writable: profile.writable.clone(),
        environment: profile.environment.clone(),
        network: profile.network,
        variables: variables(broker, session, &furniture),
        authority: furniture.authority,
        ticket: furniture.ticket,
        handover: broker.ports.rooms.handover().display().to_string(),
    })
}

/// The placeholders, and addresses for clients that ignore proxies, of what may be the session's.
fn variables(broker: &Broker, session: &Session, furniture: &Furniture) -> Vec<Variable> {
    let mut variables = Vec::new();
    for credential in broker.settings.credentials.iter() {
        let Delivery::Inject(inject) = &credential.delivery else {
            continue;
        };
        if credential
            .owner
            .as_ref()
            .is_some_and(|owner| *owner != session.user.id)
        {
            continue;
        }
        let standing = furniture.placeholders.iter();
        let mut standing = standing.filter(|(name, _)| *name == credential.name);
        if let (Some(name), Some((_, value))) = (&inject.variable, standing.next()) {
            variables.push(Variable {
                name: name.clone(),
                value: value.clone(),
            });
        }
        if let Some(name) = &inject.base_url {
            variables.push(Variable {
                name: name.clone(),
                value: format!("{PROXY}/{}", credential.name),
            });
        }
    }
    variables
}
