//! How a door ends: nothing of a session outlives its close.

use std::{
    fs::Permissions,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink},
    path::Path,
    time::Duration,
};

use tokio::{io::AsyncWriteExt as _, net::UnixStream, time::timeout};
use valetkey_api::{Limits, SessionDoors};
use valetkey_core::{
    AccountName, Broker, SessionId,
    lifecycle::{self, RevokeReport, RevokeTarget},
    ports::{Cut, Doors as _},
};
use valetkey_wire::agent::{GetTokenRequest, WatchSessionRequest};

use crate::{
    house::House,
    refusals::suspend,
    wire::{agent, connect, get, hear, json, rest, say, sign},
};

const TOKEN: &str = r#"{"credential":"files","scopes":["read"]}"#;
const BOUND: Duration = Duration::from_secs(5);

pub(crate) async fn revoke(broker: &Broker, target: RevokeTarget) -> RevokeReport {
    let boss = AccountName::parse("boss").unwrap();
    let authority = lifecycle::authority(broker, &boss, "revoke").await.unwrap();
    lifecycle::revoke(broker, &authority, &boss, target, "left the company")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_revocation_ends_idle_busy_and_watching_connections() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let (_, other) = house.session().await;

    let mut idle = connect(&socket).await;
    let request = b"GET /v1/session HTTP/1.1\r\nhost: x\r\n\r\n";
    assert_eq!(say(&mut idle, request).await.status, 200);

    let mut watching = agent(&socket).await;
    let mut watch = watching
        .watch_session(WatchSessionRequest {})
        .await
        .unwrap()
        .into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.session.unwrap().state, "active");

    *house.tokens.hold.lock().unwrap() = true;
    let mut busy = agent(&socket).await;
    let in_flight = tokio::spawn(async move {
        let ask = GetTokenRequest {
            credential: "files".into(),
            scopes: vec!["read".into()],
            ..Default::default()
        };
        busy.get_token(ask).await
    });
    house.tokens.waiting.notified().await;

    let order = revoke(&house.broker, RevokeTarget::Session(session));
    let report = timeout(BOUND, order).await.unwrap();
    assert_eq!(report.sessions[0].cut, Cut { connections: 3 });

    // Everything has ended already; nothing below waits for the broker.
    assert_eq!(rest(&mut idle).await, b"");
    let last = watch.message().await.unwrap_err();
    assert_eq!(sign(&last, "valetkey-code"), "session_revoked");
    assert!(in_flight.await.unwrap().is_err());
    let late = json(&socket, TOKEN).await;
    assert_eq!(late.status, 403);
    assert_eq!(late.json()["error"], "session_revoked");
    let mut watch = agent(&socket).await;
    let refused = watch.watch_session(WatchSessionRequest {}).await;
    let refused = match refused {
        Ok(stream) => stream.into_inner().message().await.unwrap_err(),
        Err(refused) => refused,
    };
    assert_eq!(sign(&refused, "valetkey-code"), "session_revoked");

    *house.tokens.hold.lock().unwrap() = false;
    assert_eq!(json(&other, TOKEN).await.status, 200);
    assert_eq!(house.recorded("token_issued").len(), 1);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_holds_nothing_up() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let mut half = half_said(&socket).await;
    let cut = timeout(Duration::from_secs(1), house.doors.close(session)).await;
    assert!(cut.unwrap().connections >= 1);
    assert_eq!(rest(&mut half).await, b"");
}

#[tokio::test]
async fn one_slow_agent_does_not_keep_the_next_ones_authority_alive() {
    const SESSIONS: u32 = 5;
    let farewell = Duration::from_secs(1);
    let house = House::with(Limits {
        farewell,
        ..Limits::default()
    })
    .await;
    let mut half = Vec::new();
    for _ in 0..SESSIONS {
        let (_, socket) = house.session().await;
        half.push(half_said(&socket).await);
    }
    let all = revoke(&house.broker, RevokeTarget::All);
    let report = timeout(farewell * (SESSIONS - 1), all).await.unwrap();
    assert_eq!(report.sessions.len(), 5);
    for mut half in half {
        assert_eq!(rest(&mut half).await, b"");
    }
}

#[tokio::test]
async fn closing_twice_is_closing_once() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let _open = connect(&socket).await;
    get(&socket, "/v1/session").await;
    let (one, two) = tokio::join!(house.doors.close(session), house.doors.close(session));
    assert!(one.connections >= 1);
    assert_eq!(two, Cut::default());
    assert_eq!(house.doors.close(session).await, Cut::default());
}

#[tokio::test]
async fn a_watcher_hears_of_every_change() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let mut client = agent(&socket).await;
    let watch = client.watch_session(WatchSessionRequest {}).await;
    let mut watch = watch.unwrap().into_inner();
    let mut states = Vec::new();
    states.push(
        watch
            .message()
            .await
            .unwrap()
            .unwrap()
            .session
            .unwrap()
            .state,
    );
    suspend(&house, session).await;
    states.push(
        watch
            .message()
            .await
            .unwrap()
            .unwrap()
            .session
            .unwrap()
            .state,
    );
    wake(&house).await;
    states.push(
        watch
            .message()
            .await
            .unwrap()
            .unwrap()
            .session
            .unwrap()
            .state,
    );
    assert_eq!(states, ["active", "suspended", "active"]);
    lifecycle::end(&house.broker, session).await.unwrap();
    let last = watch.message().await.unwrap_err();
    assert_eq!(sign(&last, "valetkey-code"), "session_ended");
}

async fn wake(house: &House) {
    use valetkey_core::{lifecycle::SessionsFollowLogins, ports::LoginEvents as _};
    let alice = AccountName::parse("alice").unwrap();
    SessionsFollowLogins::new(house.broker.clone())
        .confirmed(&alice, &crate::stubs::user("alice"))
        .await;
}

#[tokio::test]
async fn a_broker_that_stops_finishes_what_runs_and_keeps_the_folder() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let mut watching = agent(&socket).await;
    let watch = watching.watch_session(WatchSessionRequest {}).await;
    let mut watch = watch.unwrap().into_inner();
    watch.message().await.unwrap();

    *house.tokens.hold.lock().unwrap() = true;
    let path = socket.clone();
    let in_flight = tokio::spawn(async move { json(&path, TOKEN).await });
    house.tokens.waiting.notified().await;

    let stop = house.doors.stop();
    let finish = async {
        let last = watch.message().await.unwrap_err();
        assert_eq!(sign(&last, "valetkey-code"), "shutting_down");
        house.tokens.go.notify_waiters();
    };
    timeout(BOUND, async { tokio::join!(stop, finish) })
        .await
        .unwrap();
    assert_eq!(in_flight.await.unwrap().status, 200);
    assert!(!socket.exists());
    assert!(socket.parent().unwrap().exists());
    assert!(house.doors.open(session).is_err());

    // The next run opens the same door in the same folder.
    *house.tokens.hold.lock().unwrap() = false;
    let next = next_run(&house).await;
    assert_eq!(next.open(session).unwrap(), socket);
    assert_eq!(json(&socket, TOKEN).await.status, 200);
    next.close(session).await;
}

#[tokio::test]
async fn the_socket_is_the_owners_alone_and_replaces_only_its_own() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    let folder = socket.parent().unwrap().to_owned();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.parent().unwrap()), 0o700);
    assert_eq!(house.doors.open(session).unwrap(), socket, "idempotent");
    house.doors.stop().await;

    // Left behind by a broker that was killed.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let next = next_run(&house).await;
    next.open(session).unwrap();
    assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
    assert_eq!(get(&socket, "/v1/session").await.status, 200);
    next.stop().await;

    // A folder that is not the broker's own is not used.
    let next = next_run(&house).await;
    std::fs::remove_dir(&folder).unwrap();
    symlink(house.runtime.path(), &folder).unwrap();
    assert!(next.open(session).is_err());
}

/// The folder is lent to a sandbox: what its agent leaves there keeps no broker from starting, and
/// nothing that a name there points at is touched.
#[tokio::test]
async fn whatever_an_agent_left_in_its_folder_the_next_run_opens_the_door() {
    let house = House::new().await;
    let (session, socket) = house.session().await;
    house.doors.stop().await;
    let precious = house.runtime.path().join("precious");
    std::fs::write(&precious, "kept").unwrap();
    std::fs::set_permissions(&precious, Permissions::from_mode(0o644)).unwrap();

    let tricks: [fn(&Path, &Path); 4] = [
        |socket, _| std::fs::write(socket, "a file").unwrap(),
        |socket, precious| symlink(precious, socket).unwrap(),
        |socket, _| std::fs::create_dir(socket).unwrap(),
        |socket, _| std::fs::create_dir_all(socket.join("full")).unwrap(),
    ];
    for trick in tricks {
        drop(std::fs::remove_file(&socket));
        trick(&socket, &precious);
        let next = next_run(&house).await;
        assert_eq!(next.open(session).unwrap(), socket);
        assert!(socket.symlink_metadata().unwrap().file_type().is_socket());
        assert_eq!(get(&socket, "/v1/session").await.status, 200);
        next.stop().await;
    }
    assert_eq!(std::fs::read(&precious).unwrap(), b"kept");
    assert_eq!(
        precious.metadata().unwrap().permissions().mode() & 0o777,
        0o644
    );
}

#[tokio::test]
async fn the_socket_of_a_session_that_is_over_goes_away_in_the_end() {
    let house = House::with(Limits {
        linger: Duration::ZERO,
        ..Limits::default()
    })
    .await;
    let (_, socket) = house.session().await;
    timeout(BOUND, revoke(&house.broker, RevokeTarget::All))
        .await
        .unwrap();
    timeout(BOUND, house.doors.stop()).await.unwrap();
    assert!(!socket.exists() && !socket.parent().unwrap().exists());
}

/// The doors of a broker that was started again.
async fn next_run(house: &House) -> SessionDoors {
    let runtime = house.runtime.path().to_owned();
    let next = SessionDoors::new(runtime, Limits::default()).await.unwrap();
    next.attach(house.broker.clone());
    next
}

#[tokio::test]
async fn a_door_without_a_broker_stays_shut() {
    let runtime = tempfile::tempdir().unwrap();
    let doors = SessionDoors::new(runtime.path().into(), Limits::default()).await;
    let session = SessionId::parse("0198c0de00007000800000000000000f").unwrap();
    assert!(doors.unwrap().open(session).is_err());
}

/// A connection with a call under way whose body does not come.
async fn half_said(socket: &Path) -> UnixStream {
    let mut stream = connect(socket).await;
    let head = "POST /v1/token HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
                content-length: 40\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // The body is asked for when the call reads it.
    assert_eq!(hear(&mut stream, true).await.status, 100);
    stream
}

/// Memory that this process holds, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn a_thousand_idle_sessions_are_cheap() {
    let house = House::new().await;
    house.session().await;
    let before = resident();
    let mut sessions = Vec::new();
    for _ in 0..1000 {
        sessions.push(house.session().await);
    }
    // The session itself and its record are in memory here too.
    let each = resident().saturating_sub(before) / 1000;
    assert!(each < 8 * 1024, "{each} bytes for each");
    for (_, socket) in sessions.iter().step_by(250) {
        assert_eq!(json(socket, TOKEN).await.status, 200);
    }
}
