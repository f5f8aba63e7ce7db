//! From a wired house to a clean stop.

use std::{os::unix::net::UnixListener as StdListener, sync::Arc, time::Duration};

use tokio::{net::UnixListener, signal::unix::Signal, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use valetkey_api::{About, Limits, serve_control, serve_verifier};
use valetkey_core::{Broker, Event, doctor::Finding, lifecycle::restore, ports::Ports};
use valetkey_host::{
    Activated, InstanceLock, bind_private_socket, notify_ready, notify_stopping, private_dir,
};
use valetkey_store::Store;

use crate::{
    approvals, chores,
    config::{Config, Paths},
    requirements, signals,
    start_error::StartError,
    wire::{House, wire},
};

/// How long a stop waits for what the broker does by itself, and again for the last checkpoint: both may
/// hang on a keyring for as long as its deadline allows, and a service manager kills who does not stop.
/// With the drain of the doors and the ledger's own bound this stays below `TimeoutStopSec=`.
const WIND_UP: Duration = Duration::from_secs(3);

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(
    config: &Config,
    paths: &Paths,
    host: Vec<Finding>,
    mut activated: Activated,
    decorate: impl FnOnce(Ports) -> Ports,
) -> Result<(), StartError> {
    private_dir(&paths.runtime)?;
    private_dir(&paths.state)?;
    let _instance = InstanceLock::acquire(&paths.runtime.join("valetkeyd.lock"))?;
    // One ledger is one broker's, whatever runtime folder it was started with: two would each believe
    // what they have in memory.
    let _ledger = InstanceLock::acquire(&paths.state.join("valetkeyd.lock"))?;
    let stop = signals::stop()?;
    let hangup = signals::reload()?;
    let mut house = wire(config, paths, host, decorate).await?;

    let version = env!("CARGO_PKG_VERSION").to_owned();
    let started = Event::BrokerStarted {
        version: version.clone(),
    };
    note(&house.broker, started).await;
    requirements::accept(config, &house).await?;
    house.logins.restore().await?;
    let sessions = restore(&house.broker).await?;
    let control = control_listener(&mut activated, paths)?;
    let chores = begin_chores(&mut house, hangup, &stop);
    notify_ready()?;
    tracing::info!(sessions, issuer = house.issuer, "ready");

    let about = About {
        version,
        token_issuer: house.issuer.clone(),
        runtime: paths.runtime.clone(),
        requirements: requirements::lines(config),
    };
    let (controlled, verified, (), taken_in) = tokio::join!(
        serve_control(
            control,
            house.broker.clone(),
            about,
            Limits::control(),
            announced(&stop)
        ),
        serve_verifier(
            house.verifier,
            house.broker.clone(),
            &house.issuer,
            Limits::verifier(),
            stop.cancelled()
        ),
        async {
            stop.cancelled().await;
            house.doors.stop().await;
            house.egress.stop().await;
        },
        house.egress.serve_intake(stop.clone()),
    );
    if timeout(WIND_UP, chores.wait()).await.is_err() {
        tracing::warn!("what the broker was doing by itself was cut short");
    }
    note(&house.broker, Event::BrokerStopped).await;
    sign_the_end(&house.store).await;
    Ok(controlled.and(verified).and(taken_in)?)
}

fn begin_chores(house: &mut House, hangup: Signal, stop: &CancellationToken) -> TaskTracker {
    let chores = TaskTracker::new();
    chores.spawn(chores::expire(house.broker.clone(), stop.clone()));
    chores.spawn(approvals::attend(house.broker.clone(), stop.clone()));
    chores.spawn(chores::checkpoint(Arc::clone(&house.store), stop.clone()));
    chores.spawn(chores::reload(house.broker.clone(), hangup, stop.clone()));
    let (porter, over) = (Arc::clone(&house.porter), stop.clone());
    chores.spawn(async move { porter.record(over.cancelled_owned()).await });
    for sink in house.sinks.drain(..) {
        chores.spawn(sink.run(Arc::clone(&house.broker.ports.audit), stop.clone()));
    }
    let (logins, stop) = (Arc::clone(&house.logins), stop.clone());
    chores.spawn(async move { logins.renew_forever(stop).await });
    chores.close();
    chores
}

/// Records that the broker came or went. A full disk keeps it from neither: it issues nothing then, and
/// goes on revoking.
pub(crate) async fn note(broker: &Broker, event: Event) {
    if let Err(refusal) = broker.record(event).await {
        tracing::error!(
            detail = refusal.detail(),
            "the ledger takes no records, so nothing is issued"
        );
    }
}

async fn sign_the_end(store: &Store) {
    match timeout(WIND_UP, store.checkpoint()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the ledger's end has no checkpoint"),
        Err(_) => tracing::warn!("the ledger's end has no checkpoint: the keyring does not answer"),
    }
}

async fn announced(stop: &CancellationToken) {
    stop.cancelled().await;
    tracing::info!("stopping");
    // A manager that cannot be told will notice.
    drop(notify_stopping());
}

/// What a service manager opened for us, or our own.
fn control_listener(activated: &mut Activated, paths: &Paths) -> Result<UnixListener, StartError> {
    let given = match activated.unix("control")? {
        Some(listener) => Some(listener),
        None => activated.first_unix()?,
    };
    let listener: StdListener = match given {
        Some(listener) => listener,
        None => bind_private_socket(&paths.control_socket())?,
    };
    listener.set_nonblocking(true)?;
    Ok(UnixListener::from_std(listener)?)
}
