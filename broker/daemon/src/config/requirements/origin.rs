//! Where requirements come from: a file of root's, or a bundle that a fleet tool delivered.

use std::{fs, io::ErrorKind, path::Path};

use valetkey_bundle::{Bundle, FleetKey, digest, shown};
use valetkey_core::text::printable;

use super::{
    Mode, Requirements, RequirementsAt, RequirementsInForce,
    trusted::{Trusted, read_bounded, unreadable, wrong},
};
use crate::config::load::describe;

/// Requirements as they were found, before they were applied to anything.
#[derive(Debug)]
pub(in crate::config) struct Origin {
    pub(in crate::config) requirements: Requirements,
    /// What is to be told of them; nothing is replaced yet.
    pub(in crate::config) force: RequirementsInForce,
}

/// Reads the requirements, if there are any. With a fleet key they are the bundle that it signed, and a
/// file beside it is refused: of two that say different things, nobody could tell which is meant.
///
/// # Errors
/// A sentence with what to do. The broker must not start then.
pub(in crate::config) fn find(
    at: &RequirementsAt,
    floor: Option<u64>,
    now_unix_seconds: u64,
) -> Result<Option<Origin>, String> {
    let trusted = Trusted(at.owner);
    let key = trusted.read(&at.key)?;
    let local = trusted.read(&at.file)?;
    let found = match (key, local) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(format!(
                "both `{}` and `{}` are there; with a fleet key requirements come from the signed bundle alone: remove one of the two",
                at.key.display(),
                at.file.display()
            ));
        }
        (Some(key), None) => bundled(at, &key, floor, now_unix_seconds)?,
        (None, Some(content)) => local_file(&at.file, &content, now_unix_seconds)?,
    };
    vet_what_they_name(&found.requirements, trusted)?;
    Ok(Some(found))
}

fn bundled(
    at: &RequirementsAt,
    key: &[u8],
    floor: Option<u64>,
    now_unix_seconds: u64,
) -> Result<Origin, String> {
    let key = std::str::from_utf8(key)
        .ok()
        .and_then(|text| FleetKey::parse(text).ok())
        .ok_or_else(|| wrong(&at.key, &valetkey_bundle::BadKey.to_string()))?;
    let content = delivered(at, &at.bundle)?;
    let signature = String::from_utf8_lossy(&delivered(at, &at.signature())?).into_owned();
    let digest = digest(&content);
    let bundle = Bundle::open(&key, content, &signature, floor, now_unix_seconds)
        .map_err(|error| format!("`{}` does not count: {error}", at.bundle.display()))?;
    let requirements = parse(&at.bundle, bundle.text())?;
    let header = bundle.header();
    Ok(Origin {
        force: RequirementsInForce {
            origin: format!("{} (signed: {})", at.bundle.display(), bundle.comment()),
            signed: true,
            digest,
            version: Some(header.version),
            expires: Some(header.expires.0),
            enforced: requirements.mode == Mode::Enforce,
            replaced: Vec::new(),
            idle: Vec::new(),
        },
        requirements,
    })
}

fn local_file(path: &Path, content: &[u8], now_unix_seconds: u64) -> Result<Origin, String> {
    let text = std::str::from_utf8(content)
        .map_err(|_| wrong(path, "is not UTF-8 text; save it as that"))?;
    let requirements = parse(path, text)?;
    let expires = requirements.expires.map(|expires| expires.0);
    if let Some(expires) = expires.filter(|expires| *expires <= now_unix_seconds) {
        return Err(wrong(
            path,
            &format!("expired at {}; put a newer one there", shown(expires)),
        ));
    }
    Ok(Origin {
        force: RequirementsInForce {
            origin: path.display().to_string(),
            signed: false,
            digest: digest(content),
            version: requirements.version,
            expires,
            enforced: requirements.mode == Mode::Enforce,
            replaced: Vec::new(),
            idle: Vec::new(),
        },
        requirements,
    })
}

fn parse(path: &Path, text: &str) -> Result<Requirements, String> {
    toml::from_str(text)
        .map_err(|error| format!("`{}`: {}", path.display(), describe(&error, text)))
}

/// One of the two files of a bundle. Whoever likes may have put it there, so only a regular file is
/// opened: a pipe would make us wait.
fn delivered(at: &RequirementsAt, path: &Path) -> Result<Vec<u8>, String> {
    let facts = fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!(
            "`{}` says that requirements come as a signed bundle, and `{}` is missing; deliver the bundle and its signature",
            at.key.display(),
            path.display()
        ),
        _ => unreadable(path, &error),
    })?;
    if !facts.is_file() {
        return Err(wrong(
            path,
            "is not a regular file; deliver the bundle anew",
        ));
    }
    read_bounded(path)
}

/// What requirements name must be as hard to change as they are.
fn vet_what_they_name(requirements: &Requirements, trusted: Trusted) -> Result<(), String> {
    let certificates = [
        ("provider.extra_ca", &requirements.provider.extra_ca),
        ("reviewer.extra_ca", &requirements.reviewer.extra_ca),
    ];
    for (key, path) in certificates {
        if let Some(path) = path {
            there(key, trusted, path)?;
        }
    }
    let Some(folder) = &requirements.policy.folder else {
        return Ok(());
    };
    let resolved = there("policy.folder", trusted, folder)?;
    let listed = fs::read_dir(&resolved).map_err(|error| unreadable(folder, &error))?;
    for entry in listed {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|ending| ending == "cedar") {
            there("policy.folder", trusted, &path)?;
        }
    }
    Ok(())
}

fn there(key: &str, trusted: Trusted, path: &Path) -> Result<std::path::PathBuf, String> {
    match trusted.find(path) {
        Ok(Some(found)) => Ok(found.path),
        Ok(None) => Err(format!("`{key}`: {}", wrong(path, "does not exist"))),
        Err(why) => Err(format!("`{key}`: {}", printable(&why, 600))),
    }
}
