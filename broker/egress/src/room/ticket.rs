//! What a launcher keeps of its room, so that a broker that was started anew serves the same sandbox: the
//! authority that the sandbox trusts, and what stands there in place of values.
//!
//! Sealed with AES-256-GCM (RFC 5116 section 5.2) under a key of the keyring's, for one session: the launcher
//! can neither read a ticket nor make one, and with it nothing is decided. Whether the session still lives,
//! and whether the sandbox is the one that it is tied to, is asked as for any other.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use valetkey_core::{
    CredentialName, SessionId,
    ports::{Entropy, SecretKey, SecretStore, StoreError},
};
use valetkey_secret::{Destination, SealingKey};
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Length of the key, in bytes.
const KEY: usize = 32;
/// What a ticket takes at least, and for each placeholder, in bytes: a buffer that grows leaves copies behind.
const SIZE: usize = 1024;
const SIZE_OF_EACH: usize = 512;

/// Seals tickets, and opens them.
pub struct Tickets {
    secrets: Arc<dyn SecretStore>,
    entropy: Arc<dyn Entropy>,
    key: OnceCell<LessSafeKey>,
}

/// Why a ticket cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TicketError {
    #[error(transparent)]
    Keyring(#[from] StoreError),
    #[error("the ticket is not of this broker and this session")]
    Unreadable,
}

/// What is kept.
#[derive(Serialize, Deserialize, ZeroizeOnDrop)]
pub(crate) struct Keepsake {
    /// The authority's key: PKCS#8 in base64.
    pub key: String,
    /// From when on it vouches, and until when, in seconds of the Unix epoch.
    #[zeroize(skip)]
    pub from: u64,
    #[zeroize(skip)]
    pub until: u64,
    /// What stands for each credential.
    #[zeroize(skip)]
    pub placeholders: Vec<(CredentialName, String)>,
}

impl Tickets {
    /// With a key in `secrets`, made when it is first needed.
    pub fn new(secrets: Arc<dyn SecretStore>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            secrets,
            entropy,
            key: OnceCell::new(),
        }
    }

    pub(crate) async fn seal(
        &self,
        session: SessionId,
        kept: &Keepsake,
    ) -> Result<String, TicketError> {
        let key = self.key().await?;
        let size = SIZE + kept.placeholders.len() * SIZE_OF_EACH;
        let mut sealed = Zeroizing::new(Vec::with_capacity(size));
        serde_json::to_writer(&mut *sealed, kept).map_err(|_| TicketError::Unreadable)?;
        let mut nonce = [0; NONCE_LEN];
        self.entropy.fill(&mut nonce);
        let fresh = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(fresh, bound_to(session), &mut *sealed)
            .map_err(|_| TicketError::Unreadable)?;
        let mut ticket = BASE64_URL_SAFE_NO_PAD.encode(nonce);
        BASE64_URL_SAFE_NO_PAD.encode_string(&*sealed, &mut ticket);
        Ok(ticket)
    }

    pub(crate) async fn open(
        &self,
        session: SessionId,
        ticket: &str,
    ) -> Result<Keepsake, TicketError> {
        let key = self.key().await?;
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(ticket);
        let mut sealed = Zeroizing::new(sealed.map_err(|_| TicketError::Unreadable)?);
        let (nonce, sealed) = sealed
            .split_first_chunk_mut::<NONCE_LEN>()
            .ok_or(TicketError::Unreadable)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.open_in_place(nonce, bound_to(session), sealed);
        let opened = opened.map_err(|_| TicketError::Unreadable)?;
        serde_json::from_slice(opened).map_err(|_| TicketError::Unreadable)
    }

    async fn key(&self) -> Result<&LessSafeKey, StoreError> {
        let key = self.key.get_or_try_init(async || {
            let key = match self.secrets.read(&SecretKey::Rooms).await {
                // An entry that is damaged opens nothing any more.
                Ok(kept) if kept.len() == KEY => kept.into_sealing_key(),
                Ok(_) | Err(StoreError::NoEntry) => self.make().await?,
                Err(error) => return Err(error),
            };
            let key = key.disclose(Destination::Cipher, |key| {
                UnboundKey::new(&AES_256_GCM, key)
            });
            // It has the length of a key.
            key.map(LessSafeKey::new)
                .map_err(|_| StoreError::Denied("the key does not fit".to_owned()))
        });
        key.await
    }

    async fn make(&self) -> Result<SealingKey, StoreError> {
        let mut key = Zeroizing::new(vec![0; KEY]);
        self.entropy.fill(&mut key);
        let kept = SealingKey::new(key.clone()).into_root();
        self.secrets.write(&SecretKey::Rooms, kept).await?;
        Ok(SealingKey::new(key))
    }
}

/// A ticket is good for the session that it was made for.
fn bound_to(session: SessionId) -> Aad<String> {
    Aad::from(format!("valetkey room 1 {session}"))
}

#[cfg(test)]
mod tests;
