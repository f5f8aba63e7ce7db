//! A second program edits the file; `verify` says where.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;

use ring::{
    digest::{SHA256, digest},
    signature::Ed25519KeyPair,
};
use rusqlite::{Connection, params};
use valetkey_core::ports::{Audit as _, Ledger as _, LedgerError, StoreError, Verification};
use valetkey_store::{CheckpointError, Store};
use valetkey_support::contracts::{ledger::note, sessions::session};

use crate::home::{Home, faults, record, save};

/// A ledger of ten records with a checkpoint at the eighth, and nobody who runs.
async fn ten_records() -> Home {
    let home = Home::new();
    let store = home.open();
    record(&store, 8).await;
    assert_eq!(store.checkpoint().await.unwrap(), 8);
    record(&store, 2).await;
    let whole = store.verify().await.unwrap();
    assert_eq!(
        (whole.records, whole.checkpoints, whole.anchored),
        (10, 1, 8)
    );
    assert_eq!((whole.faults, whole.unknown), (vec![], vec![]));
    home
}

/// The places that are complained about after `edit`.
async fn after(edit: impl FnOnce(&Connection)) -> Vec<u64> {
    let home = ten_records().await;
    edit(&home.stranger());
    faults(&home.open()).await
}

fn run(file: &Connection, sql: &str) {
    file.execute_batch(sql).unwrap();
}

/// Computes the hashes of these places anew, as whoever knows the rule can.
fn chain_again(file: &Connection, places: impl IntoIterator<Item = i64>) {
    for place in places {
        let text = |sql, place| {
            file.query_row(sql, [place], |row| row.get::<_, Vec<u8>>(0))
                .unwrap()
        };
        let before = text("SELECT hash FROM records WHERE sequence = ?1", place - 1);
        let record = text(
            "SELECT CAST(record AS BLOB) FROM records WHERE sequence = ?1",
            place,
        );
        let length = (record.len() as u64).to_be_bytes().to_vec();
        let place_bytes = place.to_be_bytes().to_vec();
        // None of these changed a session or a login.
        let hash = digest(&SHA256, &[before, place_bytes, length, record].concat());
        let sql = "UPDATE records SET hash = ?1 WHERE sequence = ?2";
        file.execute(sql, params![hash.as_ref(), place]).unwrap();
    }
}

#[tokio::test]
async fn an_edited_record_is_found() {
    let edit = "UPDATE records SET record = replace(record, '\"policies\":2', '\"policies\":3')
        WHERE sequence = 3";
    assert_eq!(after(|file| run(file, edit)).await, [3]);
}

#[tokio::test]
async fn an_edited_record_with_its_hash_is_found() {
    let found = after(|file| {
        run(file, "UPDATE records SET record = '{}' WHERE sequence = 3");
        chain_again(file, [3]);
    });
    assert_eq!(found.await, [4]);
}

#[tokio::test]
async fn an_edited_record_with_every_later_hash_is_found() {
    let found = after(|file| {
        run(file, "UPDATE records SET record = '{}' WHERE sequence = 3");
        chain_again(file, 3..=10);
    });
    // By the checkpoint, and by the keyring.
    assert_eq!(found.await, [8, 8]);
}

#[tokio::test]
async fn an_edited_hash_is_found() {
    for (place, found) in [(3, vec![3, 4]), (10, vec![10])] {
        let edit = format!("UPDATE records SET hash = zeroblob(32) WHERE sequence = {place}");
        assert_eq!(after(|file| run(file, &edit)).await, found);
    }
    let no_hash = "UPDATE records SET hash = x'00' WHERE sequence = 3";
    assert_eq!(after(|file| run(file, no_hash)).await, [3]);
}

#[tokio::test]
async fn a_removed_record_is_found() {
    for (sql, found) in [
        ("DELETE FROM records WHERE sequence = 1", 1),
        ("DELETE FROM records WHERE sequence = 5", 5),
        ("DELETE FROM records WHERE sequence BETWEEN 5 AND 7", 5),
    ] {
        assert_eq!(after(|file| run(file, sql)).await, [found], "{sql}");
    }
}

#[tokio::test]
async fn a_removed_record_is_found_when_the_rest_moves_up() {
    let found = after(|file| {
        run(file, "DELETE FROM records WHERE sequence = 5");
        run(
            file,
            "UPDATE records SET sequence = sequence - 1 WHERE sequence > 5",
        );
    });
    assert_eq!(found.await.first(), Some(&5));
    let found = after(|file| {
        run(file, "DELETE FROM records WHERE sequence = 5");
        run(
            file,
            "UPDATE records SET sequence = sequence - 1 WHERE sequence > 5",
        );
        chain_again(file, 5..=9);
    });
    assert_eq!(found.await, [8, 8]);
}

#[tokio::test]
async fn swapped_records_are_found() {
    let found = after(|file| {
        run(file, "UPDATE records SET sequence = -1 WHERE sequence = 4");
        run(file, "UPDATE records SET sequence = 4 WHERE sequence = 6");
        run(file, "UPDATE records SET sequence = 6 WHERE sequence = -1");
    });
    assert_eq!(found.await, [4, 5, 6, 7]);
}

#[tokio::test]
async fn an_inserted_record_is_found() {
    let found = after(|file| {
        run(
            file,
            "UPDATE records SET sequence = -sequence WHERE sequence >= 5",
        );
        run(
            file,
            "UPDATE records SET sequence = 1 - sequence WHERE sequence < 0",
        );
        run(
            file,
            "INSERT INTO records (sequence, record, hash) VALUES (5, '{}', zeroblob(32))",
        );
        chain_again(file, [5]);
    });
    let found = found.await;
    assert_eq!(found.first(), Some(&6), "{found:?}");
    let before_the_first = "INSERT INTO records (sequence, record, hash) VALUES (-3, '{}', x'')";
    assert_eq!(after(|file| run(file, before_the_first)).await, [0]);
}

#[tokio::test]
async fn an_end_cut_off_with_its_checkpoints_is_found() {
    let cut = "DELETE FROM records WHERE sequence > 6; DELETE FROM checkpoints";
    assert_eq!(after(|file| run(file, cut)).await, [8], "by the keyring");
    let all = "DELETE FROM records; DELETE FROM checkpoints";
    assert_eq!(after(|file| run(file, all)).await, [8]);
}

#[tokio::test]
async fn an_end_cut_off_behind_the_last_checkpoint_is_found_by_what_speaks_of_it() {
    let home = ten_records().await;
    save(&home.open(), &session(1)).await;
    run(&home.stranger(), "DELETE FROM records WHERE sequence = 11");
    assert_eq!(faults(&home.open()).await, [11]);
}

#[tokio::test]
async fn what_nothing_speaks_of_behind_the_last_checkpoint_is_not_vouched_for() {
    let home = ten_records().await;
    run(&home.stranger(), "DELETE FROM records WHERE sequence > 8");
    let left = home.open().verify().await.unwrap();
    // The honest limit: nothing is found, and nothing more is claimed.
    assert_eq!((left.records, left.anchored, left.faults), (8, 8, vec![]));
}

#[tokio::test]
async fn an_end_cut_off_while_the_broker_runs_is_found() {
    let home = ten_records().await;
    let store = home.open();
    run(&home.stranger(), "DELETE FROM records WHERE sequence > 8");
    assert_eq!(faults(&store).await, [10]);
    record(&store, 1).await;
    assert_eq!(faults(&store).await, [9]);
}

#[tokio::test]
async fn a_record_by_somebody_else_is_found_while_the_broker_runs() {
    let home = ten_records().await;
    let store = home.open();
    let file = home.stranger();
    run(
        &file,
        "INSERT INTO records (sequence, record, hash) VALUES (11, '{}', x'')",
    );
    chain_again(&file, [11]);
    let refused = store.record(note(1)).await;
    assert!(matches!(refused, Err(LedgerError::Unwritable(_))));
    assert_eq!(store.record(note(1)).await.unwrap().sequence(), 12);
    assert_eq!(faults(&store).await, [11]);
}

#[tokio::test]
async fn a_forged_checkpoint_is_found() {
    let found = after(|file| {
        let (hash, at) = (vec![1u8; 32], 1_800_000_000_000i64);
        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let id = "SELECT id FROM ledger";
        let id: Vec<u8> = file.query_row(id, [], |row| row.get(0)).unwrap();
        let head = "SELECT hash FROM records WHERE sequence = 10";
        let head: Vec<u8> = file.query_row(head, [], |row| row.get(0)).unwrap();
        let statement = [
            b"valetkey ledger checkpoint v1\0".to_vec(),
            id,
            10u64.to_be_bytes().to_vec(),
            head.clone(),
            at.to_be_bytes().to_vec(),
        ]
        .concat();
        let sql = "INSERT INTO checkpoints (sequence, hash, at, signature) VALUES (?1, ?2, ?3, ?4)";
        let forged = key.sign(&statement);
        file.execute(sql, params![10, head, at, forged.as_ref()])
            .unwrap();
        file.execute(sql, params![9, hash, at, forged.as_ref()])
            .unwrap();
    });
    // Each is not signed; the one at 9 does not even fit.
    assert_eq!(found.await, [9, 9, 10]);
}

#[tokio::test]
async fn a_file_in_place_of_the_file_is_found() {
    let home = ten_records().await;
    fs::remove_file(home.database()).unwrap();
    let store = home.open();
    record(&store, 20).await;
    assert_eq!(store.checkpoint().await.unwrap(), 20);
    assert_eq!(faults(&store).await, [0]);
}

#[tokio::test]
async fn a_ledger_that_contradicts_the_keyring_is_not_vouched_for_again() {
    let home = ten_records().await;
    let cut = "DELETE FROM records WHERE sequence > 6; DELETE FROM checkpoints";
    run(&home.stranger(), cut);
    let store = home.open();
    record(&store, 1).await;
    assert!(contradicted(&store).await, "the ledger is shorter");
    record(&store, 10).await;
    assert!(contradicted(&store).await, "it has outgrown the cut");
    assert_eq!(faults(&store).await, [8]);
}

async fn contradicted(store: &Store) -> bool {
    matches!(
        store.checkpoint().await,
        Err(CheckpointError::Contradicted(8))
    )
}

#[tokio::test]
async fn a_locked_keyring_is_told_as_unknown() {
    let home = ten_records().await;
    let store = home.open();
    home.keyring.fail_with(StoreError::Locked);
    let Verification {
        anchored,
        faults,
        unknown,
        ..
    } = store.verify().await.unwrap();
    assert_eq!((anchored, faults, unknown.len()), (0, vec![], 1));
    // A checkpoint waits; records do not.
    record(&store, 1).await;
    assert!(matches!(
        store.checkpoint().await,
        Err(CheckpointError::Keyring(StoreError::Locked))
    ));
    home.keyring.fail_with(None);
    assert_eq!(store.checkpoint().await.unwrap(), 11);
    assert_eq!(store.verify().await.unwrap().anchored, 11);
}

#[tokio::test]
async fn a_checkpoint_is_due_after_a_while_or_after_many() {
    let home = Home::new();
    let store = home.open();
    assert_eq!(store.checkpoint_when_due().await.unwrap(), 0);
    record(&store, 3).await;
    assert_eq!(store.checkpoint_when_due().await.unwrap(), 0);
    home.clock.pass_seconds(30);
    assert_eq!(store.checkpoint_when_due().await.unwrap(), 3);
    record(&store, 999).await;
    assert_eq!(store.checkpoint_when_due().await.unwrap(), 3);
    record(&store, 1).await;
    assert_eq!(store.checkpoint_when_due().await.unwrap(), 1003);
}
