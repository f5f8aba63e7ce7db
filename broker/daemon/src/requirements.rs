//! The admin's requirements, as the broker starts: told, held against what was accepted before, recorded.

use valetkey_core::{Event, doctor::Finding, flow::ledger_refusal};

use crate::{config::Config, serve::note, start_error::StartError, wire::House};

/// Refuses requirements older than any that were accepted, and records those that are.
pub(crate) async fn accept(config: &Config, house: &House) -> Result<(), StartError> {
    let Some(in_force) = &config.requirements else {
        return Ok(());
    };
    let floor = house.store.requirements_floor().await;
    if let Some(floor) = floor.map_err(|error| ledger_refusal(&error))? {
        in_force.not_below(floor)?;
    }
    for line in in_force.lines() {
        tracing::info!("requirements: {line}");
    }
    let read = Event::RequirementsRead {
        origin: in_force.origin.clone(),
        digest: in_force.digest.clone(),
        version: in_force.floor(),
        enforced: in_force.enforced,
        replaced: in_force
            .replaced
            .iter()
            .map(|one| one.key.clone())
            .collect(),
    };
    note(&house.broker, read).await;
    Ok(())
}

/// What is told of them to whoever asks for the status.
pub(crate) fn lines(config: &Config) -> Vec<String> {
    let in_force = config.requirements.as_ref();
    in_force.map_or_else(Vec::new, |in_force| in_force.lines())
}

/// The same for the doctor.
pub(crate) fn findings(config: &Config) -> Vec<Finding> {
    let in_force = config.requirements.as_ref();
    in_force.map_or_else(Vec::new, |in_force| in_force.findings())
}
