//! The configuration, checked: what the wiring reads.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;
use valetkey_core::{Audiences, Credential, CredentialName, Credentials, LIFETIME_CEILING};
use valetkey_oidc::{Issuer, ProviderConfig};

use super::file::{self, File, StoreName};

/// A configuration that holds together.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) provider: ProviderConfig,
    pub(crate) keyring: Keyring,
    pub(crate) session: Session,
    pub(crate) tokens: Tokens,
    pub(crate) admin: Admin,
    pub(crate) policy_folder: Option<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) credentials: Credentials,
}

#[derive(Debug)]
pub(crate) struct Keyring {
    pub(crate) kernel: bool,
    pub(crate) deadline: Duration,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) lifetime: u64,
    pub(crate) max_lifetime: u64,
    pub(crate) max_live: usize,
}

/// How the broker's own tokens are published.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) listen: SocketAddr,
    issuer: Option<String>,
    pub(crate) rotate_keys_after: u64,
}

impl Tokens {
    /// The `iss` of the broker's own tokens, once the port is known.
    pub(crate) fn issuer_for(&self, port: u16) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("http://{}", SocketAddr::new(self.listen.ip(), port)))
    }
}

#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) groups: BTreeSet<String>,
    pub(crate) auditor_groups: BTreeSet<String>,
    pub(crate) confirmed_within: u64,
}

#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) requests_per_second: u32,
    pub(crate) burst: u32,
    pub(crate) ledger_deadline: Duration,
}

pub(super) fn check(file: File) -> Result<Config, String> {
    Ok(Config {
        provider: provider(file.provider)?,
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
        policy_folder: absolute("policy.folder", file.policy.folder)?,
        limits: limits(&file.limits)?,
        credentials: file
            .credentials
            .into_iter()
            .map(|(name, section)| credential(name, section))
            .collect::<Result<_, _>>()?,
    })
}

fn provider(file: file::Provider) -> Result<ProviderConfig, String> {
    let issuer = Issuer::parse(&file.issuer).map_err(|error| error.to_string())?;
    if file.client_id.is_empty() {
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
        ..ProviderConfig::new(issuer, file.client_id)
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

fn credential(name: CredentialName, file: file::Credential) -> Result<Credential, String> {
    let mut audiences = file.audiences.into_iter();
    let first = audiences
        .next()
        .ok_or_else(|| format!("`credentials.{name}.audiences` names no audience"))?;
    if file.max_lifetime.0 > LIFETIME_CEILING {
        return Err(format!(
            "`credentials.{name}.max_lifetime` is longer than 1h, the longest that any token lives"
        ));
    }
    Ok(Credential {
        name,
        source: file.source,
        scopes: file.scopes,
        audiences: Audiences {
            first,
            others: audiences.collect(),
        },
        max_lifetime: file.max_lifetime.0,
        algorithm: file.algorithm,
    })
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
