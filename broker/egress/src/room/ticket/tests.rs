use std::sync::Arc;

use valetkey_core::{
    CredentialName, SessionId,
    ports::{Entropy as _, SecretKey, StoreError},
};
use valetkey_support::{CountingEntropy, fakes::secret_store::FakeSecretStore};

use super::{Keepsake, TicketError, Tickets};

fn session(last: char) -> SessionId {
    SessionId::parse(&format!("0198c0de0000700080000000000000{last}{last}")).unwrap()
}

fn tickets(keyring: &Arc<FakeSecretStore>) -> Tickets {
    Tickets::new(keyring.clone(), Arc::new(CountingEntropy::default()))
}

fn kept() -> Keepsake {
    Keepsake {
        key: "the key of an authority".to_owned(),
        from: 1,
        until: 2,
        placeholders: vec![(CredentialName::parse("api").unwrap(), "sk-abc".to_owned())],
    }
}

#[tokio::test]
async fn another_run_of_the_broker_opens_it_and_whoever_has_it_cannot_read_it() {
    let keyring = Arc::new(FakeSecretStore::default());
    let before = tickets(&keyring);
    let ticket = before.seal(session('a'), &kept()).await.unwrap();
    let again = before.seal(session('a'), &kept()).await.unwrap();
    assert_ne!(ticket, again, "never the same nonce");
    assert!(!ticket.contains("dGhlIGtleS"), "{ticket}");
    let opened = tickets(&keyring).open(session('a'), &ticket).await.unwrap();
    assert_eq!(opened.key, kept().key);
    assert_eq!((opened.from, opened.until), (1, 2));
    assert_eq!(opened.placeholders, kept().placeholders);
}

#[tokio::test]
async fn of_another_session_or_another_key_or_changed_it_is_none() {
    let keyring = Arc::new(FakeSecretStore::default());
    let tickets = tickets(&keyring);
    let ticket = tickets.seal(session('a'), &kept()).await.unwrap();
    let refused = async |session, ticket: &str| {
        let opened = tickets.open(session, ticket).await;
        matches!(opened, Err(TicketError::Unreadable))
    };
    assert!(refused(session('b'), &ticket).await);
    for at in 0..ticket.len() {
        let mut changed = ticket.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last character's lowest bits are none of the text's.
        assert!(refused(session('a'), &changed).await, "at {at}");
    }
    for nonsense in ["", "A", "AAAAAAAAAAAAAAAA", "%", ticket.split_at(20).0] {
        assert!(refused(session('a'), nonsense).await, "{nonsense}");
    }
    let entropy = CountingEntropy::default();
    // Not the key that the others have.
    entropy.fill(&mut []);
    let other = Tickets::new(Arc::new(FakeSecretStore::default()), Arc::new(entropy));
    let opened = other.open(session('a'), &ticket).await;
    assert!(matches!(opened, Err(TicketError::Unreadable)));
}

#[tokio::test]
async fn without_a_keyring_there_is_none_and_later_there_is() {
    let keyring = Arc::new(FakeSecretStore::default());
    let tickets = tickets(&keyring);
    keyring.fail_with(StoreError::Locked);
    let sealed = tickets.seal(session('a'), &kept()).await;
    assert!(matches!(
        sealed,
        Err(TicketError::Keyring(StoreError::Locked))
    ));
    keyring.fail_with(None);
    assert!(tickets.seal(session('a'), &kept()).await.is_ok());
    assert_eq!(keyring.stored(&SecretKey::Rooms).unwrap().len(), 32);
}
