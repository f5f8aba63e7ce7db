//! The only file that names every adapter: makes each, hands it what it may use, and serves.

use std::{io, os::unix::net::UnixListener as StdListener, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, UnixListener},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use valetkey_api::{About, Limits, Pace, SessionDoors, serve_control, serve_verifier};
use valetkey_core::{
    Broker, Event, Refusal, Settings,
    doctor::Finding,
    lifecycle::{SessionsFollowLogins, restore},
    ports::{Clock, Entropy, Ports, SecretStore},
};
use valetkey_host::{
    Activated, InstanceError, InstanceLock, KernelCallers, PrivateError, SystemClock,
    SystemEntropy, bind_private_socket, notify_ready, notify_stopping, private_dir,
};
use valetkey_keyring::{OsKeyring, StoreKind};
use valetkey_oidc::OidcLogins;
use valetkey_policy::CedarPolicies;
use valetkey_sources::{Registry, SignedSource, SigningKeys, SigningPlan};
use valetkey_store::{Options, Store};

use crate::{
    chores,
    config::{Config, Paths},
    signals,
};

/// Under which the keyring keeps the broker's entries.
const NAMESPACE: &str = "valetkey";

/// How long a stop waits for what the broker does by itself, and again for the last checkpoint: both may
/// hang on a keyring for as long as its deadline allows, and a service manager kills who does not stop.
/// With the drain of the doors and the ledger's own bound this stays below `TimeoutStopSec=`.
const WIND_UP: Duration = Duration::from_secs(3);

/// Why the broker does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Another broker of this user runs.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// A folder or a socket is not private.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Store(#[from] valetkey_store::OpenError),
    /// The policies are not valid.
    #[error("{0}")]
    Policy(#[from] valetkey_core::ports::PolicyError),
    /// The provider's section cannot be used.
    #[error(transparent)]
    Provider(#[from] valetkey_oidc::ConfigError),
    /// The metadata cannot be served.
    #[error("`tokens.listen`: nothing can be served on {address}: {error}; choose another port")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// What earlier runs left cannot be taken up.
    #[error("{0}")]
    Restore(String),
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(
    config: Config,
    paths: Paths,
    host: Vec<Finding>,
    mut activated: Activated,
    decorate: impl FnOnce(Ports) -> Ports,
) -> Result<(), StartError> {
    private_dir(&paths.runtime)?;
    private_dir(&paths.state)?;
    let _instance = InstanceLock::acquire(&paths.runtime.join("valetkeyd.lock"))?;
    let stop = signals::stop()?;
    let hangup = signals::reload()?;

    valetkey_sources::install();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new()?);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let secrets: Arc<dyn SecretStore> = Arc::new(keyring(&config));
    let options = Options {
        answer_within: config.limits.ledger_deadline,
        checkpoint_after: chores::CHECKPOINT_AFTER,
        ..Options::new(
            Arc::clone(&clock),
            Arc::clone(&entropy),
            Arc::clone(&secrets),
        )
    };
    let store = Store::open(&paths.database(), options)?;
    let policies = CedarPolicies::load(config.policy_folder.as_slice())?;
    let verifier = bind_verifier(&config).await?;
    let issuer = config.tokens.issuer_for(verifier.local_addr()?.port());
    let keys = Arc::new(SigningKeys::new(
        Arc::clone(&secrets),
        Arc::clone(&store) as _,
        Arc::clone(&clock),
        signing_plan(&config),
    ));
    let signed = SignedSource::new(issuer.clone(), Arc::clone(&keys));
    let logins = Arc::new(OidcLogins::new(
        config.provider.clone(),
        Arc::clone(&secrets),
        Arc::clone(&store) as _,
        Arc::clone(&store) as _,
        Arc::clone(&clock),
        Arc::clone(&entropy),
    )?);
    let doors = Arc::new(SessionDoors::new(paths.runtime.clone(), session_limits(&config)).await?);

    let broker = Broker {
        ports: decorate(Ports {
            callers: Arc::new(KernelCallers::default()),
            policy: Arc::new(policies),
            sources: Arc::new(Registry::new(signed)),
            keys,
            secrets,
            ledger: Arc::clone(&store) as _,
            audit: Arc::clone(&store) as _,
            sessions: Arc::clone(&store) as _,
            logins: Arc::clone(&logins) as _,
            doors: Arc::clone(&doors) as _,
            clock,
            entropy,
        }),
        settings: settings(&config),
        host,
    };
    doors.attach(broker.clone());
    logins.set_events(Arc::new(SessionsFollowLogins::new(broker.clone())));

    let started = Event::BrokerStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    broker.record(started).await.map_err(told)?;
    logins.restore().await.map_err(told)?;
    let open = restore(&broker).await.map_err(told)?;
    tracing::info!(sessions = open, issuer, "ready");

    let control = control_listener(&mut activated, &paths)?;
    let about = About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        token_issuer: issuer.clone(),
        runtime: paths.runtime.clone(),
    };
    let chores = TaskTracker::new();
    chores.spawn(chores::expire(broker.clone(), stop.clone()));
    chores.spawn(chores::checkpoint(Arc::clone(&store), stop.clone()));
    chores.spawn(chores::reload(broker.clone(), hangup, stop.clone()));
    let renewing = (Arc::clone(&logins), stop.clone());
    chores.spawn(async move { renewing.0.renew_forever(renewing.1).await });
    chores.close();
    notify_ready()?;

    let told_to_stop = announced(stop.clone());
    let (controlled, verified, ()) = tokio::join!(
        serve_control(
            control,
            broker.clone(),
            about,
            Limits::control(),
            told_to_stop
        ),
        serve_verifier(
            verifier,
            broker.clone(),
            &issuer,
            Limits::verifier(),
            stop.cancelled()
        ),
        async {
            stop.cancelled().await;
            doors.stop().await;
        },
    );
    if timeout(WIND_UP, chores.wait()).await.is_err() {
        tracing::warn!("what the broker was doing by itself was cut short");
    }
    broker.record(Event::BrokerStopped).await.map_err(told)?;
    match timeout(WIND_UP, store.checkpoint()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the ledger's end has no checkpoint"),
        Err(_) => tracing::warn!("the ledger's end has no checkpoint: the keyring does not answer"),
    }
    Ok(controlled.and(verified)?)
}

async fn announced(stop: CancellationToken) {
    stop.cancelled().await;
    tracing::info!("stopping");
    // A manager that cannot be told will notice.
    drop(notify_stopping());
}

fn keyring(config: &Config) -> OsKeyring {
    let kind = if config.keyring.kernel {
        StoreKind::Kernel
    } else {
        StoreKind::SecretService
    };
    OsKeyring::new(kind, NAMESPACE, config.keyring.deadline)
}

/// Every algorithm that a configured credential is signed with.
fn signing_plan(config: &Config) -> SigningPlan {
    let mut algorithms = Vec::new();
    for credential in config.credentials.iter() {
        if !algorithms.contains(&credential.algorithm) {
            algorithms.push(credential.algorithm);
        }
    }
    SigningPlan {
        algorithms,
        rotate_after: config.tokens.rotate_keys_after,
    }
}

async fn bind_verifier(config: &Config) -> Result<TcpListener, StartError> {
    let address = config.tokens.listen;
    TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen { address, error })
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

fn session_limits(config: &Config) -> Limits {
    Limits {
        pace: Some(Pace {
            per_second: config.limits.requests_per_second,
            burst: config.limits.burst,
        }),
        ..Limits::default()
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        credentials: config.credentials.clone(),
        owner: valetkey_host::owner(),
        session_max: config.session.max_lifetime,
        session_default: config.session.lifetime,
        max_live_sessions: config.session.max_live,
        admin_groups: config.admin.groups.clone(),
        auditor_groups: config.admin.auditor_groups.clone(),
        admin_freshness: config.admin.confirmed_within,
    }
}

fn told(refusal: Refusal) -> StartError {
    let detail = refusal.detail().map(|detail| format!(": {detail}"));
    StartError::Restore(format!(
        "{}{}",
        refusal.message(),
        detail.unwrap_or_default()
    ))
}
