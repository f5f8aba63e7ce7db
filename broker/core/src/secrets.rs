//! What a person keeps in the keyring through the broker.

use valetkey_codes::Code;
use valetkey_secret::RootSecret;

use crate::{
    Broker, Delivery, Event, Refusal, SecretName,
    ports::{SecretKey, StoreError, StoreReport, StoreState},
};

/// Largest secret, in bytes.
const LIMIT: usize = 64 * 1024;

/// What became of a secret that was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// There was one of that name.
    pub replaced: bool,
    /// A credential is configured that it is the value of.
    pub used: bool,
}

/// Stores a secret, replacing what was there. Recorded first: a secret without a record would be the
/// worse of the two.
pub async fn put(broker: &Broker, name: SecretName, secret: RootSecret) -> Result<Put, Refusal> {
    if secret.is_empty() || secret.len() > LIMIT {
        return Err(
            Refusal::new(Code::InvalidRequest).saying(format!("a secret has 1 to {LIMIT} bytes"))
        );
    }
    let report = broker.ports.secrets.inspect().await;
    // Whoever waited in vain once shall not wait again for the writing.
    if let StoreState::Unusable(error @ StoreError::Slow(_)) = &report.state {
        return Err(store_refusal(error));
    }
    let put = Put {
        replaced: report.names.contains(&name),
        used: is_used(broker, &name),
    };
    broker
        .record(Event::SecretStored { name: name.clone() })
        .await?;
    let key = SecretKey::Named(name);
    let written = broker.ports.secrets.write(&key, secret).await;
    written.map_err(|error| store_refusal(&error))?;
    Ok(put)
}

fn is_used(broker: &Broker, name: &SecretName) -> bool {
    let mut credentials = broker.settings.credentials.iter();
    credentials.any(|credential| match &credential.delivery {
        Delivery::Inject(inject) => inject.secret == *name,
        Delivery::Token | Delivery::Pass => false,
    })
}

/// The names that secrets are stored under.
pub async fn list(broker: &Broker) -> Result<StoreReport, Refusal> {
    let report = broker.ports.secrets.inspect().await;
    match &report.state {
        StoreState::Ready => Ok(report),
        StoreState::Unusable(error) => Err(store_refusal(error)),
    }
}

/// Removes a secret.
pub async fn remove(broker: &Broker, name: SecretName) -> Result<(), Refusal> {
    let key = SecretKey::Named(name.clone());
    let deleted = broker.ports.secrets.delete(&key).await;
    deleted.map_err(|error| match error {
        StoreError::NoEntry => Refusal::new(Code::SecretAbsent)
            .saying(format!("there is no secret `{name}`"))
            .advising("`valetkey secret list` shows what there is"),
        error => store_refusal(&error),
    })?;
    broker.record(Event::SecretRemoved { name }).await
}

/// What a keyring's failure means for whoever asked.
fn store_refusal(error: &StoreError) -> Refusal {
    Refusal::new(error.code()).because(error.to_string())
}
