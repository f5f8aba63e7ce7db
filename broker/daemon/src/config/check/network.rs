//! `[network]`, `[sandbox]` and `[commands]`, checked.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use valetkey_core::{
    CredentialName, Credentials, Profile, ProfileName, Profiles, ScopeSet, Tier, Workspace,
    commands::{CommandRule, Commands, Word},
    text::printable,
};

use super::absolute;
use crate::config::{
    file,
    load::{self, ConfigError},
    model::Network,
};

pub(super) fn network(file: file::Network) -> Result<Network, String> {
    let mut addresses = BTreeSet::<SocketAddr>::new();
    for endpoint in &file.addresses {
        let Some(address) = endpoint.socket() else {
            return Err(format!(
                "`network.addresses` holds `{endpoint}`; it names an address and a port, as `127.0.0.1:8080`"
            ));
        };
        addresses.insert(address);
    }
    Ok(Network {
        addresses,
        hosts: file.hosts,
        inspect: file.inspect,
        extra_ca: absolute("network.extra_ca", file.extra_ca)?,
        wait: Duration::from_secs(file.wait.0.min(600)),
    })
}

pub(super) fn profiles(file: file::Sandbox) -> Result<Profiles, String> {
    let shipped = Profiles::shipped();
    let names = profile_names(&file);
    let usual = usual_profile(&file);
    let mut own = file.profiles;
    let mut all = Vec::new();
    for name in &names {
        match own.remove(name) {
            Some(own) => all.push(profile(name.clone(), own)?),
            None => all.extend(shipped.find(Some(name)).map(|one| Profile::clone(&one))),
        }
    }
    let profiles = match usual {
        Some(usual) if names.contains(&usual) => Profiles::new(all, usual),
        Some(usual) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return Err(format!(
                "`sandbox.profile` is `{usual}`, and there is no such profile, only {}",
                names.join(", ")
            ));
        }
        None => Profiles::none(),
    };
    Ok(profiles.without(file.forbidden))
}

/// The profiles that there are: the shipped ones, then those of the file.
pub(in crate::config) fn profile_names(file: &file::Sandbox) -> Vec<ProfileName> {
    let shipped = Profiles::shipped();
    let shipped = shipped.names();
    let shipped = shipped.filter(|name| !file.profiles.contains_key(*name));
    let all = shipped.chain(file.profiles.keys());
    let allowed = |name: &&ProfileName| {
        let allowed = file.allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.contains(*name))
    };
    all.filter(allowed).cloned().collect()
}

/// The one that is meant where none is named: what the file says, or the usual one of the shipped ones,
/// or the first that there is.
pub(in crate::config) fn usual_profile(file: &file::Sandbox) -> Option<ProfileName> {
    let names = profile_names(file);
    let shipped = Profiles::shipped()
        .find(None)
        .map(|usual| usual.name.clone());
    file.profile
        .clone()
        .or_else(|| shipped.filter(|usual| names.contains(usual)))
        .or_else(|| names.first().cloned())
}

fn profile(name: ProfileName, own: file::Profile) -> Result<Profile, String> {
    let key = |field: &str| format!("sandbox.profiles.{name}.{field}");
    let paths = |field: &str, paths: Vec<PathBuf>| -> Result<Vec<String>, String> {
        let checked = paths.into_iter().map(|path| {
            let path = absolute(&key(field), Some(path))?.unwrap_or_default();
            path.into_os_string()
                .into_string()
                .map_err(|_| format!("`{}` holds a path that is not UTF-8", key(field)))
        });
        checked.collect()
    };
    if let Some(bad) = own.protected.iter().find(|path| !stays_inside(path)) {
        return Err(format!(
            "`{}` holds `{}`; it names paths in the workspace",
            key("protected"),
            printable(bad, 100)
        ));
    }
    let workspace = match own.workspace {
        file::Workspace::ReadOnly => Workspace::ReadOnly,
        file::Workspace::Writable => Workspace::Writable,
        file::Workspace::Open => Workspace::Open,
    };
    Ok(Profile {
        readable: paths("readable", own.readable)?,
        writable: paths("writable", own.writable)?,
        workspace,
        protected: own.protected,
        environment: own.environment,
        network: own.network,
        only_reads: own.only_reads.unwrap_or(workspace == Workspace::ReadOnly),
        name,
    })
}

fn stays_inside(path: &str) -> bool {
    let path = Path::new(path);
    let mut parts = path.components();
    !path.as_os_str().is_empty()
        && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Words; `a|b` is either.
    command: String,
    /// What it is given; nothing where it is refused.
    credential: Option<CredentialName>,
    #[serde(default)]
    scopes: ScopeSet,
    audience: Option<String>,
    variable: Option<String>,
    #[serde(default)]
    tier: Tier,
    /// Command lines that meet this rule.
    #[serde(default)]
    examples: Vec<String>,
}

/// The rules of the file, or of the text that stands for it.
pub(super) fn commands(
    file: file::Commands,
    credentials: &Credentials,
) -> Result<Commands, String> {
    let (path, text) = match (absolute("commands.file", file.file)?, file.text) {
        (None, None) => return Ok(Commands::default()),
        (_, Some(text)) => ("the requirements".to_owned(), text),
        (Some(path), None) => {
            let text = load::read(&path).map_err(|error| match error {
                // Its own words are about the configuration.
                ConfigError::Missing(path) => format!(
                    "`commands.file` names `{}`, and there is no such file",
                    path.display()
                ),
                other => format!("`commands.file`: {other}"),
            })?;
            (path.display().to_string(), text)
        }
    };
    let wrong = |why: &dyn std::fmt::Display| {
        format!(
            "`commands.file`, {path}: {}",
            printable(&why.to_string(), 400)
        )
    };
    let file: RuleFile = toml::from_str(&text).map_err(|error| wrong(&error.message()))?;
    let mut rules = Vec::new();
    for rule in file.rules {
        can_be_given(&rule, credentials).map_err(|why| wrong(&why))?;
        rules.push(self::rule(rule).map_err(|why| wrong(&why))?);
    }
    Commands::new(rules).map_err(|bad| wrong(&bad))
}

/// What no request could be given is told at the start, and not to the agent that meets the rule.
fn can_be_given(rule: &Rule, credentials: &Credentials) -> Result<(), String> {
    let Rule {
        command,
        credential: Some(name),
        scopes,
        audience,
        ..
    } = rule
    else {
        return Ok(());
    };
    let Some(credential) = credentials.find(name.as_str()) else {
        return Err(format!(
            "the rule `{command}` gives the credential `{name}`, which is not configured"
        ));
    };
    if !scopes.within(&credential.scopes) {
        return Err(format!(
            "the rule `{command}` gives the scopes `{scopes}`, and the credential `{name}` has `{}`",
            credential.scopes
        ));
    }
    let mut audiences = credential.audiences.iter();
    match audience {
        Some(audience) if !audiences.any(|one| one.as_str() == audience) => Err(format!(
            "the rule `{command}` is for the audience `{audience}`, which the credential `{name}` does not have"
        )),
        _ => Ok(()),
    }
}

fn rule(rule: Rule) -> Result<(CommandRule, Vec<Vec<String>>), String> {
    let words = rule.command.split_whitespace().map(Word::parse);
    let prefix = words
        .collect::<Result<_, _>>()
        .map_err(|bad| bad.to_string())?;
    let examples = rule.examples.iter();
    let examples = examples.map(|line| line.split_whitespace().map(str::to_owned).collect());
    let tier = match rule.credential {
        Some(_) => rule.tier,
        None => Tier::Deny,
    };
    let checked = CommandRule {
        prefix,
        credential: rule.credential,
        scopes: rule.scopes,
        audience: rule.audience,
        variable: rule.variable,
        tier,
    };
    Ok((checked, examples.collect()))
}
