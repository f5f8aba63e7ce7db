//! The user's file, under the admin's requirements, checked.

mod approvals;
mod credentials;
mod network;
mod ways;

use std::{path::PathBuf, time::Duration};

use url::Url;
use valetkey_core::{Credentials, text::printable};
use valetkey_oidc::{Issuer, ProviderConfig};

use super::{
    file::{self, File, StoreName},
    model::{Admin, Config, Keyring, Limits, Policies, Session, Sink, Tokens},
};

/// What both must have and neither has.
pub(super) const NO_PROVIDER: &str = "`provider.issuer` and `provider.client_id` must be there; the person who registered Valetkey with the provider knows both";

pub(super) use credentials::scopes_of_ways;
pub(super) use network::{profile_names, usual_profile};

pub(super) fn check(file: File) -> Result<Config, String> {
    let provider = provider(file.provider)?;
    let issuer = provider.issuer.as_str().to_owned();
    let credentials: Credentials = file
        .credentials
        .into_iter()
        .map(|(name, section)| credentials::credential(name, section, &issuer))
        .chain([credentials::network()])
        .collect::<Result<_, _>>()?;
    credentials::no_variable_twice(&credentials)?;
    let denials = file.reviewer.as_ref().map(|reviewer| reviewer.denials);
    let webhook = file.approvals.webhook.clone();
    Ok(Config {
        provider,
        keyring: Keyring {
            kernel: file.keyring.store == StoreName::Kernel,
            deadline: seconds(file.keyring.deadline),
        },
        session: session(&file.session)?,
        tokens: tokens(file.tokens)?,
        admin: Admin {
            groups: file.admin.groups,
            auditor_groups: file.admin.auditor_groups,
            confirmed_within: file.admin.confirmed_within.0,
        },
        policies: policies(file.policy)?,
        limits: limits(&file.limits)?,
        network: network::network(file.network)?,
        profiles: network::profiles(file.sandbox)?,
        commands: network::commands(file.commands, &credentials)?,
        credentials,
        notify: file.approvals.notify,
        approvals: approvals::rules(file.approvals, denials)?,
        webhook: webhook.map(approvals::webhook).transpose()?,
        reviewer: file.reviewer.map(approvals::reviewer).transpose()?,
        sinks: sinks(&file.ledger.sinks)?,
        requirements: None,
        trial: None,
    })
}

fn provider(file: file::Provider) -> Result<ProviderConfig, String> {
    let (Some(issuer), Some(client_id)) = (file.issuer, file.client_id) else {
        return Err(NO_PROVIDER.to_owned());
    };
    let issuer = Issuer::parse(&issuer).map_err(|error| error.to_string())?;
    if client_id.is_empty() {
        return Err(
            "`provider.client_id` is empty; it is what the provider registered for Valetkey"
                .to_owned(),
        );
    }
    let provider = ProviderConfig {
        client_secret_key: file.client_secret,
        scopes: file.scopes,
        redirect_port: file.redirect_port,
        groups_claim: file.groups_claim,
        required_claims: file.required_claims,
        grace_seconds: file.grace.0,
        request_timeout_seconds: file.request_timeout.0,
        login_timeout_seconds: file.login_timeout.0,
        clock_skew_seconds: file.clock_skew.0,
        extra_ca: absolute("provider.extra_ca", file.extra_ca)?,
        ..ProviderConfig::new(issuer, client_id)
    };
    provider.check().map_err(|error| error.to_string())?;
    Ok(provider)
}

fn session(file: &file::Session) -> Result<Session, String> {
    if file.lifetime.0 > file.max_lifetime.0 {
        return Err("`session.lifetime` is longer than `session.max_lifetime`".to_owned());
    }
    Ok(Session {
        lifetime: file.lifetime.0,
        max_lifetime: file.max_lifetime.0,
        max_live: file.max_live,
    })
}

fn tokens(file: file::Tokens) -> Result<Tokens, String> {
    if !file.listen.ip().is_loopback() {
        return Err("`tokens.listen` must be a loopback address".to_owned());
    }
    if let Some(issuer) = &file.issuer {
        let url =
            Url::parse(issuer).map_err(|error| format!("`tokens.issuer` is not a URL: {error}"))?;
        // RFC 8414 section 2: https, without query and fragment.
        if !is_https_or_loopback(&url) || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "`tokens.issuer` must be https (or http on a loopback address), without query and fragment"
                    .to_owned(),
            );
        }
    }
    Ok(Tokens {
        listen: file.listen,
        issuer: file.issuer,
        rotate_keys_after: file.rotate_keys_after.0,
    })
}

fn limits(file: &file::Limits) -> Result<Limits, String> {
    if file.requests_per_second == 0 || file.burst == 0 {
        return Err("`limits.requests_per_second` and `limits.burst` are at least 1".to_owned());
    }
    Ok(Limits {
        requests_per_second: file.requests_per_second,
        burst: file.burst,
        ledger_deadline: seconds(file.ledger_deadline),
    })
}

fn policies(file: file::Policy) -> Result<Policies, String> {
    match (absolute("policy.folder", file.folder)?, file.files) {
        (Some(_), Some(_)) => {
            Err("`policy.folder` and `policy.files` exclude each other; choose one".to_owned())
        }
        (Some(folder), None) => Ok(Policies::Folder(folder)),
        (None, Some(files)) => Ok(Policies::Texts(files.into_iter().collect())),
        (None, None) => Ok(Policies::Baseline),
    }
}

fn sinks(written: &[String]) -> Result<Vec<Sink>, String> {
    let mut sinks = Vec::new();
    for sink in written {
        let file = sink.strip_prefix("file:").map(PathBuf::from);
        let Some(path) = file.filter(|path| path.is_absolute()) else {
            return Err(format!(
                "`ledger.sinks` holds `{}`; a sink is `file:` and an absolute path",
                printable(sink, 200)
            ));
        };
        let sink = Sink::File(path);
        if !sinks.contains(&sink) {
            sinks.push(sink);
        }
    }
    Ok(sinks)
}

/// A relative path would mean another file for each folder that the broker is started from.
fn absolute(key: &str, path: Option<PathBuf>) -> Result<Option<PathBuf>, String> {
    match path {
        Some(path) if !path.is_absolute() => Err(format!("`{key}` must be an absolute path")),
        path => Ok(path),
    }
}

fn is_https_or_loopback(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(url::Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(url::Host::Ipv6(ip))) => ip.is_loopback(),
        ("http", Some(url::Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}

const fn seconds(span: super::span::Span) -> Duration {
    Duration::from_secs(span.0)
}
