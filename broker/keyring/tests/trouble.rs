//! A Secret Service that is locked, absent, hanging or restarted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod session;

use std::{fs, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokio::{runtime::Runtime, task::JoinSet, time::timeout};
use valetkey_core::ports::{SecretKey, SecretStore as _, StoreError, StoreState};
use valetkey_support::{
    contracts::secret_store::{named, read, secret},
    desktop::{PASSWORD, in_own_process},
};
use zbus::{MessageStream, connection::Builder};

use session::{PATIENT, inside, keyring};

/// A deadline that the tests wait for, and what it is called in an answer.
const SHORT: Duration = Duration::from_millis(1500);
const SLOW: StoreError = StoreError::Slow(2);

#[test]
fn locked_is_told_and_passes() {
    inside("locked_is_told_and_passes", async |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        let store = keyring("default", PATIENT);
        let key = named("kept");
        assert_eq!(store.write(&key, secret(b"value")).await, Ok(()));
        desktop.lock()?;

        assert_eq!(read(&store, &key).await, Err(StoreError::Locked));
        assert_eq!(
            store.write(&key, secret(b"new")).await,
            Err(StoreError::Locked)
        );
        assert_eq!(store.delete(&key).await, Err(StoreError::Locked));
        let never_stored = read(&store, &SecretKey::Ledger).await;
        assert_eq!(
            never_stored,
            Err(StoreError::Locked),
            "nobody can tell while it is locked"
        );
        let report = store.inspect().await;
        assert_eq!(report.state, StoreState::Unusable(StoreError::Locked));
        assert_eq!(report.vendor, "GNOME Keyring");
        assert_eq!(report.names, []);

        desktop.unlock(PASSWORD)?;
        assert_eq!(read(&store, &key).await, Ok(b"value".into()));
        assert_eq!(store.inspect().await.state, StoreState::Ready);
        Ok(())
    });
}

/// Somebody's prompter takes the request and shows a window that nobody answers.
#[test]
fn a_prompt_that_nobody_answers_blocks_only_who_asked() {
    inside(
        "a_prompt_that_nobody_answers_blocks_only_who_asked",
        async |mut desktop| {
            desktop.start_bus()?;
            let prompter = Builder::session()?
                .name("org.gnome.keyring.SystemPrompter")?
                .build()
                .await?;
            let mut asked = MessageStream::from(&prompter);
            desktop.start_keyring()?;
            let store = Arc::new(keyring("default", SHORT));
            let key = named("kept");
            assert_eq!(store.write(&key, secret(b"value")).await, Ok(()));
            desktop.lock()?;

            let mut readers = JoinSet::new();
            for _ in 0..40 {
                let (store, key) = (Arc::clone(&store), key.clone());
                readers.spawn(async move { read(&*store, &key).await });
            }
            let state = timeout(SHORT, store.inspect()).await?.state;
            assert_eq!(state, StoreState::Unusable(StoreError::Locked));
            while let Some(answer) = readers.join_next().await {
                assert_eq!(answer?, Err(StoreError::Locked));
            }

            // The first prompt still shows, and is not in the way of those who need none.
            desktop.unlock(PASSWORD)?;
            assert_eq!(read(&*store, &key).await, Ok(b"value".into()));

            // The bus ends the stream.
            drop(desktop);
            let mut prompts = 0;
            while let Some(Ok(message)) = asked.next().await {
                let header = message.header();
                if header.member().is_some_and(|name| name == "BeginPrompting") {
                    prompts += 1;
                }
            }
            assert_eq!(prompts, 1);
            Ok(())
        },
    );
}

#[test]
fn absent_is_told_and_nothing_is_kept_elsewhere() {
    inside(
        "absent_is_told_and_nothing_is_kept_elsewhere",
        async |mut desktop| {
            let store = keyring("default", PATIENT);
            let key = named("kept");
            let no_bus = Err(StoreError::Absent("there is no session bus".into()));
            assert_eq!(store.write(&key, secret(b"value")).await, no_bus);
            assert_eq!(read(&store, &key).await.map(drop), no_bus);
            assert_eq!(store.delete(&key).await, no_bus);

            desktop.start_bus()?;
            let nobody = StoreError::Absent("nothing on the session bus provides secrets".into());
            assert_eq!(
                store.write(&key, secret(b"value")).await,
                Err(nobody.clone())
            );
            assert_eq!(read(&store, &key).await, Err(nobody.clone()));
            assert_eq!(store.inspect().await.state, StoreState::Unusable(nobody));

            assert_eq!(
                fs::read_dir(desktop.home())?.count(),
                0,
                "the home is empty"
            );
            desktop.start_keyring()?;
            assert_eq!(read(&store, &key).await, Err(StoreError::NoEntry));
            Ok(())
        },
    );
}

#[test]
fn a_hanging_keyring_is_slow_and_recovers() {
    inside(
        "a_hanging_keyring_is_slow_and_recovers",
        async |mut desktop| {
            desktop.start_bus()?;
            desktop.start_keyring()?;
            let store = Arc::new(keyring("default", SHORT));
            let key = named("kept");
            assert_eq!(store.write(&key, secret(b"first")).await, Ok(()));
            desktop.freeze_keyring()?;

            let mut stuck = JoinSet::new();
            let (writer, written) = (Arc::clone(&store), key.clone());
            stuck.spawn(async move { writer.write(&written, secret(b"second")).await });
            for _ in 0..40 {
                let (store, key) = (Arc::clone(&store), key.clone());
                stuck.spawn(async move { read(&*store, &key).await.map(drop) });
            }
            assert_eq!(store.inspect().await.state, StoreState::Unusable(SLOW));
            while let Some(answer) = stuck.join_next().await {
                assert_eq!(answer?, Err(SLOW));
            }
            assert_eq!(store.write(&key, secret(b"third")).await, Err(SLOW));

            desktop.thaw_keyring()?;
            assert_eq!(store.write(&key, secret(b"fourth")).await, Ok(()));
            assert_eq!(read(&*store, &key).await, Ok(b"fourth".into()));
            Ok(())
        },
    );
}

/// A runtime waits for its blocking threads when it goes, so this test would not end if a call were on
/// one of them.
#[test]
fn a_hanging_keyring_does_not_hold_up_the_end() {
    let name = "a_hanging_keyring_does_not_hold_up_the_end";
    in_own_process(name, |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        desktop.freeze_keyring()?;
        let runtime = Runtime::new()?;
        let store = keyring("default", SHORT);
        let answer = runtime.block_on(read(&store, &SecretKey::Ledger));
        assert_eq!(answer, Err(SLOW));
        drop(runtime);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_restart_is_survived() {
    inside("a_restart_is_survived", async |mut desktop| {
        desktop.start_bus()?;
        desktop.start_keyring()?;
        let store = keyring("default", PATIENT);
        let key = named("kept");
        assert_eq!(store.write(&key, secret(b"value")).await, Ok(()));

        desktop.kill_keyring()?;
        let gone = read(&store, &key).await;
        assert!(matches!(gone, Err(StoreError::Absent(_))), "{gone:?}");
        desktop.start_keyring()?;
        assert_eq!(read(&store, &key).await, Ok(b"value".into()));

        // Without a call in between, so that the kept connection is the old one.
        desktop.kill_keyring()?;
        desktop.start_keyring()?;
        assert_eq!(store.write(&key, secret(b"new")).await, Ok(()));

        desktop.kill_bus();
        desktop.start_bus()?;
        desktop.start_keyring()?;
        assert_eq!(read(&store, &key).await, Ok(b"new".into()));
        Ok(())
    });
}
