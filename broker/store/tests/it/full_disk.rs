//! A disk that is really full: a small file system of its own, in a namespace of its own.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::Command,
    sync::Arc,
};

use valetkey_core::{
    Approval, Lock, LockHolder,
    ports::{
        ApprovalError, Approvals, Audit as _, Ledger as _, LedgerError, Locks as _, Sessions as _,
    },
};
use valetkey_store::{Options, Store};
use valetkey_support::{
    CountingEntropy, MovableClock,
    contracts::{
        approvals::{no, question, told, yes},
        ledger::{note, token},
        locks::{self, lock},
        sessions::session,
    },
    fakes::secret_store::FakeSecretStore,
};

use crate::home::{faults, save};

const FOLDER: &str = "VALETKEY_TEST_SMALL_DISK";
/// How many sessions are revoked on the full disk, one by one.
const SESSIONS: u64 = 400;

#[tokio::test]
async fn a_full_disk_refuses_tokens_and_goes_on_revoking() {
    if let Some(folder) = env::var_os(FOLDER) {
        return on_the_small_disk(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mounted = "mount -t tmpfs -o size=16m,mode=0700 small \"$1\" && shift && exec \"$@\"";
    let status = Command::new("unshare")
        .args(["-Urm", "sh", "-c", mounted, "sh"])
        .arg(folder.path())
        .arg(env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("full_disk::a_full_disk_refuses_tokens_and_goes_on_revoking")
        .env(FOLDER, folder.path())
        .status()
        .unwrap();
    assert!(
        status.success(),
        "on the small disk, or while it was made: {status}"
    );
}

fn open(folder: &Path, keyring: &Arc<FakeSecretStore>) -> Arc<Store> {
    let options = Options::new(
        Arc::<MovableClock>::default(),
        Arc::<CountingEntropy>::default(),
        Arc::clone(keyring) as _,
    );
    Store::open(&folder.join("valetkey.db"), options).unwrap()
}

/// Writes until there is no room for another byte.
fn fill(path: &Path) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for size in [1 << 16, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

async fn on_the_small_disk(folder: &Path) {
    let keyring = Arc::default();
    let store = open(folder, &keyring);
    for n in 1..=SESSIONS {
        save(&store, &session(n)).await;
    }
    let filler = folder.join("filler");
    fill(&filler);
    // What room the file has left is used up first.
    let refused = loop {
        if let Err(error) = store.record(token(session(1).id, 1, 60)).await {
            break error;
        }
    };
    assert!(matches!(refused, LedgerError::Unwritable(_)), "{refused}");
    let before = store.verify().await.unwrap();
    assert_eq!(before.faults, []);

    for n in 1..=SESSIONS {
        let revoked = session(n).revoke("boss".into(), "left".into()).unwrap();
        save(&store, &revoked).await;
        // The room that is kept for revocations is not for anybody else.
        let refused = store.record(token(session(SESSIONS).id, n, 60)).await;
        assert!(refused.is_err(), "after {n}");
        // Whatever fills the disk goes on filling it.
        fill(&filler);
    }
    let after = store.verify().await.unwrap();
    assert_eq!(
        (after.records, after.faults),
        (before.records + SESSIONS, vec![])
    );
    drop(store);

    let store = open(folder, &keyring);
    for n in 1..=SESSIONS {
        assert!(store.load(session(n).id).unwrap().state.is_final());
    }
    fs::remove_file(&filler).unwrap();
    store.record(note(1)).await.unwrap();
    let fresh = session(SESSIONS + 1);
    save(&store, &fresh).await;
    let asked = question(1, &fresh);
    decide(&store, &asked).await.unwrap();
    let ballast = folder.join("valetkey.db.ballast");
    assert_eq!(
        fs::metadata(&ballast).unwrap().len(),
        2 << 20,
        "the room is kept again"
    );
    assert!(faults(&store).await.is_empty());
    drop(store);

    // It opens on a disk that is full to the last byte, and revokes.
    fill(&filler);
    let store = open(folder, &keyring);
    fill(&filler);
    assert!(store.record(token(fresh.id, 1, 60)).await.is_err());
    let refused = decide(&store, &yes(&asked)).await;
    assert!(matches!(refused, Err(ApprovalError::Ledger(_))));
    decide(&store, &no(&asked)).await.unwrap();
    set(&store, Some(lock("theft"))).await.unwrap();
    assert!(set(&store, None).await.is_err(), "lifting gives");
    assert_eq!(store.held().owner, Some(lock("theft")));
    save(&store, &fresh.revoke("boss".into(), "left".into()).unwrap()).await;
    assert!(!ballast.exists());
    assert!(faults(&store).await.is_empty());
    drop(store);
    assert_eq!(open(folder, &keyring).held().owner, Some(lock("theft")));
}

async fn decide(store: &Store, next: &Approval) -> Result<(), ApprovalError> {
    Approvals::save(store, next.clone(), told(next)).await
}

async fn set(store: &Store, lock: Option<Lock>) -> Result<(), LedgerError> {
    let record = locks::told(LockHolder::Owner, lock.as_ref());
    store.set(LockHolder::Owner, lock, record).await
}
