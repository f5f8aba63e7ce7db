//! Where an account's refresh token is: in the keyring, and nowhere else but for the moment in which
//! the keyring does not take it.

use std::sync::Arc;

use valetkey_core::{
    AccountName,
    ports::{SecretKey, SecretStore, StoreError},
};
use valetkey_secret::{Destination, RefreshToken, RootSecret};
use zeroize::Zeroizing;

/// The refresh token of one account. Whoever holds it (it is behind the account's lock) is the only
/// one who spends, replaces or deletes the token.
pub(crate) struct Vault {
    secrets: Arc<dyn SecretStore>,
    key: SecretKey,
    /// A rotated token that the keyring did not take. The old one is spent, so this is the only one.
    unsaved: Option<RootSecret>,
}

impl Vault {
    pub(crate) fn new(secrets: Arc<dyn SecretStore>, account: &AccountName) -> Self {
        Self {
            secrets,
            key: SecretKey::Login(account.clone()),
            unsaved: None,
        }
    }

    /// The token. One that the keyring has not taken yet is given to it first: nothing is used that
    /// a crash would lose.
    pub(crate) async fn take_out(&mut self) -> Result<RefreshToken, StoreError> {
        if let Some(unsaved) = &self.unsaved {
            self.secrets.write(&self.key, twin(unsaved)).await?;
            self.unsaved = None;
        }
        let secret = self.secrets.read(&self.key).await?;
        Ok(secret.into_refresh_token())
    }

    /// The token for its last use, even where the keyring has not taken it.
    pub(crate) async fn take_out_last(&mut self) -> Result<RefreshToken, StoreError> {
        match self.unsaved.take() {
            Some(unsaved) => Ok(unsaved.into_refresh_token()),
            None => Ok(self.secrets.read(&self.key).await?.into_refresh_token()),
        }
    }

    /// Puts a new token in the place of the old one. Durable when it returns.
    pub(crate) async fn put(&mut self, token: RefreshToken) -> Result<(), StoreError> {
        self.secrets.write(&self.key, token.into_root()).await?;
        self.unsaved = None;
        Ok(())
    }

    /// The same for a token whose predecessor is spent: where the keyring does not take it, it is
    /// kept until it does.
    pub(crate) async fn put_rotated(&mut self, token: RefreshToken) -> Result<(), StoreError> {
        let token = token.into_root();
        let copy = twin(&token);
        self.unsaved = Some(token);
        self.secrets.write(&self.key, copy).await?;
        self.unsaved = None;
        Ok(())
    }

    /// Wipes the token. Nothing to wipe is fine.
    pub(crate) async fn wipe(&mut self) -> Result<(), StoreError> {
        self.unsaved = None;
        match self.secrets.delete(&self.key).await {
            Err(StoreError::NoEntry) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A copy for the keyring, which takes what it is given.
fn twin(secret: &RootSecret) -> RootSecret {
    secret.disclose(Destination::KeyringWrite, |bytes| {
        RootSecret::new(Zeroizing::new(bytes.to_vec()))
    })
}
