//! How each field wins over the user's.
//!
//! A ceiling lets the lesser value stand and a floor the greater; the rest is replaced. The user's file
//! is changed before it is checked, so that what is checked is what will be in force.

mod approvals;
mod credentials;
mod network;

use std::collections::BTreeSet;

use super::{
    Replaced, Requirements,
    told::{Shown, Told},
};
use crate::config::file::{self, File, StoreName};

/// What came of it.
#[derive(Debug)]
pub(in crate::config) struct Applied {
    pub(in crate::config) replaced: Vec<Replaced>,
    /// A line for each entry that has nothing to bind.
    pub(in crate::config) idle: Vec<String>,
    /// Why the broker may not start with the user's configuration at all, and what to do.
    pub(in crate::config) refusal: Option<String>,
}

/// Applies requirements to the user's file. `owner` is the user whose programs count as the admin's.
pub(in crate::config) fn apply(file: &mut File, required: Requirements, owner: u32) -> Applied {
    let mut told = Told::default();
    let Requirements {
        // The three were looked at where the requirements were read.
        mode: _,
        version: _,
        expires: _,
        provider,
        keyring,
        session,
        tokens,
        admin,
        policy,
        limits,
        approvals,
        reviewer,
        ledger,
        network,
        sandbox,
        commands,
        credentials,
    } = required;
    self::provider(file, provider, &mut told);
    let refusal = self::keyring(file.keyring.store, keyring.allowed, &mut told);
    self::session(file, &session, &mut told);
    told.at_most(
        "tokens.rotate_keys_after",
        &mut file.tokens.rotate_keys_after,
        tokens.rotate_keys_after,
    );
    told.set("admin.groups", &mut file.admin.groups, admin.groups);
    told.set(
        "admin.auditor_groups",
        &mut file.admin.auditor_groups,
        admin.auditor_groups,
    );
    told.at_most(
        "admin.confirmed_within",
        &mut file.admin.confirmed_within,
        admin.confirmed_within,
    );
    self::policy(file, policy, &mut told);
    let mine = &mut file.limits;
    told.at_most(
        "limits.requests_per_second",
        &mut mine.requests_per_second,
        limits.requests_per_second,
    );
    told.at_most("limits.burst", &mut mine.burst, limits.burst);
    told.at_most(
        "limits.ledger_deadline",
        &mut mine.ledger_deadline,
        limits.ledger_deadline,
    );
    approvals::approvals(&mut file.approvals, approvals, &mut told);
    approvals::reviewer(&mut file.reviewer, reviewer, owner, &mut told);
    self::sinks(&mut file.ledger.sinks, ledger.sinks, &mut told);
    network::network(&mut file.network, network, &mut told);
    network::sandbox(&mut file.sandbox, sandbox, &mut told);
    network::commands(&mut file.commands, commands, &mut told);
    credentials::credentials(&mut file.credentials, credentials, &mut told);
    Applied {
        replaced: told.replaced,
        idle: told.idle,
        refusal,
    }
}

fn provider(file: &mut File, required: super::file::Provider, told: &mut Told) {
    let mine = &mut file.provider;
    replace_or_fill("provider.issuer", &mut mine.issuer, required.issuer, told);
    replace_or_fill(
        "provider.client_id",
        &mut mine.client_id,
        required.client_id,
        told,
    );
    for (claim, accepted) in required.required_claims {
        let key = format!("provider.required_claims.{claim}");
        let before = mine.required_claims.insert(claim, accepted.clone());
        if before.as_ref() != Some(&accepted) {
            told.tell(&key, &before, &accepted);
        }
    }
    // Whoever chooses the claim chooses the groups: a nickname is what one likes it to be.
    let groups_claim = required.groups_claim;
    let groups_claim = groups_claim.unwrap_or_else(|| file::Provider::default().groups_claim);
    told.set(
        "provider.groups_claim",
        &mut mine.groups_claim,
        Some(groups_claim),
    );
    told.at_most("provider.grace", &mut mine.grace, required.grace);
    // Whoever adds a certificate authority can be any provider, so there is none but the admin's.
    told.set(
        "provider.extra_ca",
        &mut mine.extra_ca,
        Some(required.extra_ca),
    );
}

/// Nothing is told where the user left it to the admin.
fn replace_or_fill(
    key: &str,
    mine: &mut Option<String>,
    required: Option<String>,
    told: &mut Told,
) {
    if mine.is_none() {
        *mine = required;
    } else if required.is_some() {
        told.set(key, mine, Some(required));
    }
}

fn keyring(
    mine: StoreName,
    allowed: Option<BTreeSet<StoreName>>,
    told: &mut Told,
) -> Option<String> {
    let allowed = allowed.filter(|allowed| !allowed.contains(&mine))?;
    let names: Vec<&str> = allowed.iter().map(|store| store.id()).collect();
    let names = names.join(", ");
    told.tell("keyring.store", &mine.id(), &names);
    Some(format!(
        "`keyring.store = \"{}\"` is not allowed here; set it to one of: {names}",
        mine.id()
    ))
}

fn session(file: &mut File, required: &super::file::Session, told: &mut Told) {
    let mine = &mut file.session;
    told.at_most(
        "session.max_lifetime",
        &mut mine.max_lifetime,
        required.max_lifetime,
    );
    told.at_most(
        "session.lifetime",
        &mut mine.lifetime,
        required.max_lifetime,
    );
    told.at_most("session.max_live", &mut mine.max_live, required.max_live);
}

fn policy(file: &mut File, required: super::file::Policy, told: &mut Told) {
    let mine = &mut file.policy;
    if required.folder.is_none() && required.files.is_none() {
        return;
    }
    let yours = mine.folder.take();
    if let Some(files) = required.files {
        let names: BTreeSet<String> = files.keys().cloned().collect();
        told.tell("policy.folder", &yours, &names);
        mine.files = Some(files);
    } else {
        if yours != required.folder {
            told.tell("policy.folder", &yours, &required.folder);
        }
        mine.folder = required.folder;
    }
}

fn sinks(mine: &mut Vec<String>, required: Vec<String>, told: &mut Told) {
    for sink in required {
        if !mine.contains(&sink) {
            told.tell("ledger.sinks", &"not among them", &sink);
            mine.push(sink);
        }
    }
}

impl Shown for valetkey_oidc::Accepted {
    fn shown(&self) -> String {
        match self {
            Self::One(one) => one.clone(),
            Self::Any(any) => any.join(" or "),
        }
    }
}
