//! The only file that names every adapter: makes each and hands it what it may use.

use std::sync::Arc;

use tokio::net::TcpListener;
use valetkey_api::{Limits, Pace, SessionDoors};
use valetkey_core::{
    Broker, Delivery, Settings, SourceKind, Trial,
    doctor::{Finding, Health},
    lifecycle::SessionsFollowLogins,
    network::OriginPattern,
    ports::{
        Callers, Clock, Entropy, Messenger, PolicyError, Ports, Reviewer, SecretStore, Watched,
    },
};
use valetkey_egress::{
    Egress, Limits as EgressLimits, Network, Options as EgressOptions, Porter, ProxiedDoors,
    SessionRooms, SystemResolver, Tickets,
};
use valetkey_host::{KernelCallers, SystemClock, SystemEntropy};
use valetkey_keyring::{OsKeyring, StoreKind};
use valetkey_messenger::{DesktopMessenger, WebhookConfig, WebhookMessenger};
use valetkey_oidc::OidcLogins;
use valetkey_policy::CedarPolicies;
use valetkey_reviewer::{ChatConfig, ChatReviewer, CommandConfig, CommandReviewer};
use valetkey_sources::{KeptSource, Registry, SignedSource, SigningKeys, SigningPlan};
use valetkey_store::{Options, Store};
use valetkey_telemetry::FileSink;

use crate::{
    chores,
    config::{self, Config, Paths, Policies, ReviewerKind, Sink},
    requirements,
    start_error::StartError,
};

/// Under which the keyring keeps the broker's entries.
const NAMESPACE: &str = "valetkey";

/// The broker, and the adapters that somebody has to wait for.
pub(crate) struct House {
    pub(crate) broker: Broker,
    pub(crate) store: Arc<Store>,
    pub(crate) logins: Arc<OidcLogins>,
    pub(crate) doors: Arc<SessionDoors>,
    /// The proxies of sandboxes, and who keeps their books.
    pub(crate) egress: Arc<Egress>,
    pub(crate) porter: Arc<Porter>,
    /// Copies of the ledger, not yet begun.
    pub(crate) sinks: Vec<FileSink>,
    pub(crate) verifier: TcpListener,
    /// The `iss` of the broker's own tokens.
    pub(crate) issuer: String,
}

/// Wires everything. `decorate` may wrap the ports before anybody uses them.
pub(crate) async fn wire(
    config: &Config,
    paths: &Paths,
    mut host: Vec<Finding>,
    decorate: impl FnOnce(Ports) -> Ports,
) -> Result<House, StartError> {
    host.extend(requirements::findings(config));
    host.extend(config.nobody_answers().map(nobody_answers));
    host.extend(config.hosts_out_of_reach().map(out_of_reach));
    valetkey_sources::install();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new()?);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let secrets: Arc<dyn SecretStore> = Arc::new(keyring(config));
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
    let injected = injected(config);
    let policies = Arc::new(policies(&config.policies)?.with_injected(injected.clone()));
    let verifier = bind_verifier(config).await?;
    let issuer = config.tokens.issuer_for(verifier.local_addr()?.port());
    let keys = Arc::new(SigningKeys::new(
        Arc::clone(&secrets),
        Arc::clone(&store) as _,
        Arc::clone(&clock),
        signing_plan(config),
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
    let doors = Arc::new(SessionDoors::new(paths.runtime.clone(), session_limits(config)).await?);
    let callers: Arc<dyn Callers> = Arc::new(KernelCallers::default());
    let room = room(
        config,
        paths,
        &policies,
        &callers,
        (&clock, &entropy),
        Tickets::new(Arc::clone(&secrets), Arc::clone(&entropy)),
    )?;
    let proxied = ProxiedDoors::new(
        Arc::clone(&doors) as _,
        Arc::clone(&room.egress),
        Arc::clone(&room.porter),
    );

    let sinks: Vec<FileSink> = sinks(config);
    let broker = Broker {
        trial: trial(config, injected)?,
        ports: decorate(Ports {
            callers,
            policy: Arc::clone(&policies) as _,
            lab: policies,
            approvals: Arc::clone(&store) as _,
            locks: Arc::clone(&store) as _,
            reviewer: reviewer(config, &secrets)?,
            messengers: messengers(config, &secrets, &clock, &*entropy)?,
            sources: Arc::new(Registry::new(signed, KeptSource::new(Arc::clone(&secrets)))),
            keys,
            secrets,
            ledger: Arc::clone(&store) as _,
            audit: Arc::clone(&store) as _,
            watched: watched(paths, &sinks),
            sessions: Arc::clone(&store) as _,
            logins: Arc::clone(&logins) as _,
            doors: Arc::new(proxied),
            rooms: Arc::clone(&room.rooms) as _,
            clock,
            entropy,
        }),
        settings: settings(config),
        host,
    };
    doors.attach(broker.clone());
    room.porter.attach(broker.clone());
    logins.set_events(Arc::new(SessionsFollowLogins::new(broker.clone())));
    Ok(House {
        broker,
        store,
        logins,
        doors,
        egress: room.egress,
        porter: room.porter,
        sinks,
        verifier,
        issuer,
    })
}

/// What sandboxes are served by.
struct Room {
    egress: Arc<Egress>,
    porter: Arc<Porter>,
    rooms: Arc<SessionRooms>,
}

fn room(
    config: &Config,
    paths: &Paths,
    policies: &Arc<CedarPolicies>,
    callers: &Arc<dyn Callers>,
    (clock, entropy): (&Arc<dyn Clock>, &Arc<dyn Entropy>),
    tickets: Tickets,
) -> Result<Room, StartError> {
    let network = &config.network;
    let rules = Arc::clone(policies);
    let porter = Arc::new(Porter::new(
        Network {
            addresses: network.addresses.clone(),
            hosts: network.hosts.clone(),
            inspect: network.inspect.clone(),
            credentials: config.credentials.clone(),
            spoken_of: Arc::new(move |host| rules.speaks_of_requests(host)),
            wait: network.wait,
        },
        Arc::clone(clock),
    ));
    let egress = Arc::new(Egress::new(EgressOptions {
        gate: Arc::clone(&porter) as _,
        entry: Arc::clone(&porter) as _,
        callers: Arc::clone(callers),
        owner: valetkey_host::owner(),
        runtime: paths.runtime.clone(),
        limits: EgressLimits::default(),
        extra_ca: network.extra_ca.clone(),
        resolver: Arc::new(SystemResolver),
        tickets: Some(tickets),
    })?);
    let rooms = Arc::new(SessionRooms::new(
        Arc::clone(&egress),
        config.credentials.clone(),
        Arc::clone(entropy),
        paths.runtime.join("room.sock"),
    ));
    Ok(Room {
        egress,
        porter,
        rooms,
    })
}

/// The hosts that credentials are put into requests to.
fn injected(config: &Config) -> Vec<OriginPattern> {
    let credentials = config.credentials.iter();
    let ways = credentials.filter_map(|credential| match &credential.delivery {
        Delivery::Inject(inject) => Some(inject.ways.clone()),
        Delivery::Token | Delivery::Pass => None,
    });
    let hosts = ways.flatten().map(|way| way.hosts.clone());
    hosts.flatten().collect()
}

fn policies(from: &Policies) -> Result<CedarPolicies, PolicyError> {
    match from {
        Policies::Baseline => CedarPolicies::load(&[]),
        Policies::Folder(folder) => CedarPolicies::load(std::slice::from_ref(folder)),
        Policies::Texts(texts) => CedarPolicies::from_texts(texts.clone()),
    }
}

fn trial(config: &Config, injected: Vec<OriginPattern>) -> Result<Option<Trial>, StartError> {
    let Some(trial) = &config.trial else {
        return Ok(None);
    };
    Ok(Some(Trial {
        policy: Arc::new(policies(&trial.policies)?.with_injected(injected)),
        credentials: trial.credentials.clone(),
    }))
}

fn reviewer(
    config: &Config,
    secrets: &Arc<dyn SecretStore>,
) -> Result<Option<Arc<dyn Reviewer>>, StartError> {
    let Some(config::Reviewer {
        name,
        deadline,
        kind,
    }) = config.reviewer.clone()
    else {
        return Ok(None);
    };
    let reviewer: Arc<dyn Reviewer> = match kind {
        ReviewerKind::Command { program, arguments } => {
            let mut command = vec![program.to_string_lossy().into_owned()];
            command.extend(arguments);
            Arc::new(CommandReviewer::new(CommandConfig {
                name,
                command,
                deadline,
            })?)
        }
        ReviewerKind::Chat {
            url,
            model,
            key,
            extra_ca,
        } => {
            let chat = ChatConfig {
                name,
                url: url.into(),
                model,
                key,
                deadline,
                extra_ca,
            };
            Arc::new(ChatReviewer::new(chat, Arc::clone(secrets))?)
        }
    };
    Ok(Some(reviewer))
}

fn messengers(
    config: &Config,
    secrets: &Arc<dyn SecretStore>,
    clock: &Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<Vec<Arc<dyn Messenger>>, StartError> {
    let mut messengers: Vec<Arc<dyn Messenger>> = Vec::new();
    if config.notify {
        messengers.push(Arc::new(DesktopMessenger::new()));
    }
    if let Some(webhook) = &config.webhook {
        let webhook = WebhookConfig {
            url: webhook.url.to_string(),
            secret: webhook.secret.clone(),
            deadline: webhook.deadline,
            may_answer: webhook.may_answer,
            extra_ca: None,
        };
        let (secrets, clock) = (Arc::clone(secrets), Arc::clone(clock));
        messengers.push(Arc::new(WebhookMessenger::new(
            webhook, secrets, clock, entropy,
        )?));
    }
    Ok(messengers)
}

fn sinks(config: &Config) -> Vec<FileSink> {
    let sinks = config.sinks.iter().map(|sink| match sink {
        Sink::File(path) => FileSink::new(path.clone()),
    });
    sinks.collect()
}

fn watched(paths: &Paths, sinks: &[FileSink]) -> Vec<Arc<dyn Watched>> {
    let config = Arc::new(config::AsRead::new(paths.config.clone()));
    let sinks = sinks.iter().map(|sink| Arc::new(sink.status()) as _);
    sinks.chain([config as _]).collect()
}

fn nobody_answers(why: &str) -> Finding {
    Finding::ailing(
        "approvals",
        Health::Care,
        why.to_owned(),
        "permit somebody the action `approve`; `policies/examples/four-eyes.cedar` shows how",
    )
}

fn out_of_reach(why: String) -> Finding {
    Finding::ailing(
        "network",
        Health::Care,
        why,
        "name the address and its port in `network.addresses`, or correct `network.hosts`",
    )
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
    let signed = config.credentials.iter();
    for credential in signed.filter(|credential| credential.source == SourceKind::Signed) {
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
        pid_namespace: valetkey_host::pid_namespace(),
        session_max: config.session.max_lifetime,
        session_default: config.session.lifetime,
        max_live_sessions: config.session.max_live,
        admin_groups: config.admin.groups.clone(),
        auditor_groups: config.admin.auditor_groups.clone(),
        admin_freshness: config.admin.confirmed_within,
        approvals: config.approvals.clone(),
        profiles: config.profiles.clone(),
        commands: config.commands.clone(),
        requirements_expire: config
            .requirements
            .as_ref()
            .and_then(|in_force| in_force.ends()),
    }
}
