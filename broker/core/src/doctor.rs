//! What is well and what is not: `valetkey doctor`.

use valetkey_codes::Code;

use crate::{
    Broker, Delivery, Lock, Locked, SourceKind,
    ports::{LoginStatus, Persistence, StoreReport, StoreState},
};

/// How well one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Well,
    /// It works, with a catch.
    Care,
    /// It does not work.
    Ill,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// How well it is.
    pub health: Health,
    /// What was seen.
    pub text: String,
    /// What to do, where something is to be done.
    pub next_step: Option<String>,
}

impl Finding {
    /// A finding that asks for nothing.
    pub const fn well(name: &'static str, text: String) -> Self {
        Self {
            name,
            health: Health::Well,
            text,
            next_step: None,
        }
    }

    /// A finding with something to be done.
    pub fn ailing(
        name: &'static str,
        health: Health,
        text: String,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            name,
            health,
            text,
            next_step: Some(next_step.into()),
        }
    }
}

/// Looks at everything, without asking anybody to unlock anything.
pub async fn examine(broker: &Broker) -> Vec<Finding> {
    let mut findings = broker.host.clone();
    let store = broker.ports.secrets.inspect().await;
    findings.extend(keyring(&store));
    findings.extend(secrets(broker, &store));
    findings.extend(logins(&broker.ports.logins.list()));
    let policies = broker.ports.policy.summary();
    findings.push(Finding::well(
        "policies",
        format!("{} of {} in force", policies.policies, policies.origin),
    ));
    findings.push(ledger(broker).await);
    let watched = broker.ports.watched.iter();
    findings.extend(watched.map(|thing| thing.finding()));
    findings.extend(locks(&broker.ports.locks.held()));
    findings.push(reviewer(broker));
    findings
}

fn keyring(report: &StoreReport) -> Vec<Finding> {
    let state = match &report.state {
        StoreState::Ready => {
            Finding::well("keyring", format!("{} ({})", report.kind, report.vendor))
        }
        StoreState::Unusable(error) => Finding::ailing(
            "keyring",
            Health::Ill,
            format!("{}: {error}", report.kind),
            error.code().row().next_step,
        ),
    };
    let persistence = match report.persistence {
        Persistence::UntilDelete => {
            Finding::well("keyring persistence", "survives a reboot".to_owned())
        }
        Persistence::UntilReboot => Finding::ailing(
            "keyring persistence",
            Health::Care,
            "is gone after a reboot".to_owned(),
            "log in again after each reboot, or set `keyring.store = \"secret-service\"`",
        ),
    };
    vec![state, persistence]
}

/// Those that credentials need and nobody has stored. A keyring that cannot be used names none.
fn secrets(broker: &Broker, store: &StoreReport) -> Vec<Finding> {
    if store.state != StoreState::Ready {
        return Vec::new();
    }
    let mut missing = Vec::new();
    for credential in broker.settings.credentials.iter() {
        let Delivery::Inject(inject) = &credential.delivery else {
            continue;
        };
        let secret = &inject.secret;
        if credential.source == SourceKind::Static && !store.names.contains(secret) {
            missing.push(Finding::ailing(
                "secret",
                Health::Ill,
                format!(
                    "`{secret}` is not stored, and credential `{}` needs it",
                    credential.name
                ),
                format!("store it with `valetkey secret add {secret}`"),
            ));
        }
    }
    missing
}

fn logins(logins: &[LoginStatus]) -> Vec<Finding> {
    if logins.is_empty() {
        let next = Code::NotLoggedIn.row().next_step;
        return vec![Finding::ailing(
            "login",
            Health::Care,
            "nobody is logged in".to_owned(),
            next,
        )];
    }
    let finding = |login: &LoginStatus| match &login.problem {
        None => Finding::well(
            "login",
            format!("{}: {}", login.account, login.user.display),
        ),
        Some(problem) => Finding::ailing(
            "login",
            Health::Ill,
            format!("{}: {problem}", login.account),
            format!("run `valetkey login --account {}`", login.account),
        ),
    };
    logins.iter().map(finding).collect()
}

fn locks(held: &Locked) -> Vec<Finding> {
    let finding = |lock: &Lock, code: Code| {
        let text = match &lock.by {
            Some(admin) => format!("locked by {}: {}", admin.subject, lock.reason),
            None => format!("locked: {}", lock.reason),
        };
        Finding::ailing("lock", Health::Care, text, code.row().next_step)
    };
    let owner = held.owner.iter().map(|lock| finding(lock, Code::Locked));
    let admin = held
        .admin
        .iter()
        .map(|lock| finding(lock, Code::LockedByAdmin));
    owner.chain(admin).collect()
}

fn reviewer(broker: &Broker) -> Finding {
    let text = match &broker.ports.reviewer {
        Some(reviewer) => reviewer.name().to_owned(),
        None => "none: what policies leave to a reviewer, people answer".to_owned(),
    };
    Finding::well("reviewer", text)
}

/// Whether the ledger takes records is only known by giving it one it would take anyway: the
/// refusals and issues of every day. Here it is read.
async fn ledger(broker: &Broker) -> Finding {
    match broker.ports.audit.after(0, 1).await {
        Ok(_) => Finding::well(
            "ledger",
            "can be read; `valetkey audit verify` walks it".to_owned(),
        ),
        Err(error) => Finding::ailing(
            "ledger",
            Health::Ill,
            error.to_string(),
            Code::AuditUnavailable.row().next_step,
        ),
    }
}
