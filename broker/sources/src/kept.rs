//! Secrets as they stand in the keyring, for the proxy alone.

use std::sync::Arc;

use valetkey_core::{
    Delivery,
    ports::{SecretKey, SecretStore, SourceError},
    request::Permit,
};
use valetkey_secret::IssuedToken;

/// Reads a secret each time that it is lent, and keeps none.
pub struct KeptSource {
    secrets: Arc<dyn SecretStore>,
}

impl KeptSource {
    /// From this keyring.
    pub fn new(secrets: Arc<dyn SecretStore>) -> Self {
        Self { secrets }
    }

    /// The secret that the permit's credential stands for. Only one that is put into requests: there is no
    /// way from here to an agent.
    pub(crate) async fn obtain(&self, permit: &Permit) -> Result<IssuedToken, SourceError> {
        let Delivery::Inject(inject) = &permit.credential().delivery else {
            return Err(SourceError::Failed(
                "a kept secret is only injected".to_owned(),
            ));
        };
        let key = SecretKey::Named(inject.secret.clone());
        let secret = self.secrets.read(&key).await?;
        Ok(secret.into_loan())
    }
}
