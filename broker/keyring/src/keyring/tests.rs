use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use futures_util::future::join_all;
use valetkey_core::ports::{Persistence, SecretKey, SecretStore as _, StoreError};
use valetkey_secret::{Destination, RootSecret};
use zeroize::Zeroizing;

use super::OsKeyring;
use crate::backend::{Backend, Card, Sight};

const SHORT: Duration = Duration::from_millis(50);
const PATIENT: Duration = Duration::from_secs(30);

/// Remembers what was asked of it. Locked until somebody unlocks it; a write of `stuck` hangs until
/// the gate opens.
struct Scripted {
    asked: Mutex<Vec<String>>,
    locked: Mutex<bool>,
    /// What answers the prompt.
    person: Result<(), StoreError>,
    gate: Mutex<Receiver<()>>,
}

impl Scripted {
    fn new(locked: bool, person: Result<(), StoreError>) -> (Arc<Self>, Sender<()>) {
        let (opener, gate) = channel();
        let scripted = Self {
            asked: Mutex::default(),
            locked: Mutex::new(locked),
            person,
            gate: Mutex::new(gate),
        };
        (Arc::new(scripted), opener)
    }

    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Backend for Scripted {
    fn read(&self, _entry: &str) -> Result<RootSecret, StoreError> {
        if *self.locked.lock().unwrap() {
            Err(StoreError::Locked)
        } else {
            Err(StoreError::NoEntry)
        }
    }

    fn write(&self, _entry: &str, secret: &RootSecret) -> Result<(), StoreError> {
        let text = secret.disclose(Destination::KeyringWrite, |bytes| {
            String::from_utf8(bytes.to_vec()).unwrap()
        });
        if text == "stuck" {
            assert!(self.gate.lock().unwrap().recv().is_err());
        }
        self.note(text);
        Ok(())
    }

    fn delete(&self, entry: &str) -> Result<(), StoreError> {
        self.note(format!("delete {entry}"));
        Ok(())
    }

    fn unlock(&self, _entry: &str) -> Result<(), StoreError> {
        self.note("prompt");
        if self.person.is_ok() {
            *self.locked.lock().unwrap() = false;
        }
        self.person.clone()
    }

    fn look(&self, _prefix: &str) -> Sight {
        Sight {
            vendor: "a script".into(),
            entries: Ok(vec!["b".into(), "not a name".into(), "a".into()]),
        }
    }

    fn card(&self) -> Card {
        Card {
            kind: "scripted",
            persistence: Persistence::UntilReboot,
        }
    }
}

fn over(backend: &Arc<Scripted>, deadline: Duration) -> OsKeyring {
    OsKeyring::over(
        Arc::clone(backend) as Arc<dyn Backend>,
        "ns".into(),
        deadline,
    )
}

fn secret(text: &str) -> RootSecret {
    RootSecret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

#[tokio::test]
async fn who_finds_it_locked_goes_on_once_it_is_open() {
    let (backend, _opener) = Scripted::new(true, Ok(()));
    let keyring = over(&backend, PATIENT);
    let answers = join_all((0..8).map(|_| keyring.read(&SecretKey::Ledger))).await;
    for answer in answers {
        assert_eq!(answer.map(drop), Err(StoreError::NoEntry));
    }
    assert_eq!(backend.asked(), ["prompt"]);
}

#[tokio::test]
async fn a_dismissed_prompt_is_not_shown_again_by_the_same_call() {
    let (backend, _opener) = Scripted::new(true, Err(StoreError::Locked));
    let answer = over(&backend, PATIENT).read(&SecretKey::Ledger).await;
    assert_eq!(answer.map(drop), Err(StoreError::Locked));
    assert_eq!(backend.asked(), ["prompt"]);
}

#[tokio::test]
async fn a_write_that_was_given_up_on_is_never_overtaken() {
    let (backend, opener) = Scripted::new(false, Ok(()));
    let keyring = over(&backend, SHORT);
    let key = SecretKey::Ledger;
    for late in ["stuck", "second"] {
        let answer = keyring.write(&key, secret(late)).await;
        assert_eq!(answer, Err(StoreError::Slow(1)));
    }
    assert_eq!(backend.asked(), <[&str; 0]>::default());
    drop(opener);
    let patient = OsKeyring {
        deadline: PATIENT,
        ..keyring
    };
    assert_eq!(patient.write(&key, secret("third")).await, Ok(()));
    assert_eq!(patient.delete(&key).await, Ok(()));
    assert_eq!(
        backend.asked(),
        ["stuck", "third", "delete ns/ledger/checkpoints"]
    );
}

#[tokio::test]
async fn names_are_sorted_and_those_of_others_left_out() {
    let (backend, _opener) = Scripted::new(false, Ok(()));
    let report = over(&backend, PATIENT).inspect().await;
    let names: Vec<_> = report.names.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}
