//! From a path to a checked configuration.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use valetkey_core::text::printable;

use super::{
    Config, TrialConfig, check,
    environment::redirected_roots,
    file::File,
    requirements::{self, Origin, RequirementsAt},
};

/// How alike two keys must be for one to be offered for the other (Jaro-Winkler).
const ALIKE: f64 = 0.7;

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// No place for sockets.
    #[error(
        "XDG_RUNTIME_DIR is not set; log in through a session that sets it, or set it to a folder of your own with mode 0700, such as /run/user/UID"
    )]
    NoRuntimeDir,
    /// The place for sockets would be another one in each folder.
    #[error(
        "XDG_RUNTIME_DIR is `{0}`, which is no absolute path; set it to a folder of your own with mode 0700, such as /run/user/UID"
    )]
    RelativeRuntimeDir(String),
    /// No place for state.
    #[error("HOME is not set")]
    NoHome,
    /// There is no such file.
    #[error(
        "there is no `{0}`; write it with at least\n\n[provider]\nissuer = \"https://login.example.com\"\nclient_id = \"valetkey\"\n\nand see docs/operations.md for every key"
    )]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Somebody else could have written it.
    #[error("`{0}` can be written by others; run `chmod go-w` on it and look at what it says")]
    Exposed(PathBuf),
    /// The admin's requirements cannot be taken as they are.
    #[error("the admin's requirements: {0}")]
    Requirements(String),
    /// It is not well formed.
    #[error("`{path}`: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and, for an unknown key, the nearest known one.
        message: String,
    },
}

/// Reads the configuration and the admin's requirements, and checks what both come to. `floor` is the
/// highest version of signed requirements that was ever accepted, where that is known already.
pub(crate) fn load(
    path: &Path,
    at: &RequirementsAt,
    floor: Option<u64>,
    now_unix_seconds: u64,
) -> Result<Config, ConfigError> {
    let found =
        requirements::find(at, floor, now_unix_seconds).map_err(ConfigError::Requirements)?;
    let invalid = |message| ConfigError::Invalid {
        path: path.to_path_buf(),
        message,
    };
    let file = match (read(path), &found) {
        (Ok(text), _) => toml::from_str(&text).map_err(|error| invalid(describe(&error, &text)))?,
        // What the admin requires may be all there is to say.
        (Err(ConfigError::Missing(_)), Some(found)) if found.requirements.name_a_provider() => {
            File::default()
        }
        (Err(error), _) => return Err(error),
    };
    check::scopes_of_ways(&file.credentials).map_err(invalid)?;
    match found {
        None => check::check(file).map_err(invalid),
        Some(found) => under(file, found, at).map_err(invalid),
    }
}

/// The configuration under requirements, or beside them where they are on trial.
fn under(mut file: File, found: Origin, at: &RequirementsAt) -> Result<Config, String> {
    let Origin {
        requirements,
        mut force,
    } = found;
    let of_the_user = file.clone();
    let applied = requirements::apply(&mut file, requirements, at.owner);
    force.replaced = applied.replaced;
    force.idle = applied.idle;
    let required = check::check(file)
        .map_err(|message| format!("{message} (under the requirements of {})", force.origin));
    let config = if force.enforced {
        let vet = |path: &Path| requirements::changeable(path, at.owner);
        if let Some(refusal) = applied.refusal.or_else(|| redirected_roots(vet)) {
            return Err(format!("{refusal} (requirements: {})", force.origin));
        }
        required?
    } else {
        let required = required?;
        Config {
            trial: Some(TrialConfig {
                policies: required.policies,
                credentials: required.credentials,
            }),
            ..check::check(of_the_user)?
        }
    };
    Ok(Config {
        requirements: Some(force),
        ..config
    })
}

pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ConfigError::Missing(path.to_path_buf()),
        _ => ConfigError::Unreadable {
            path: path.to_path_buf(),
            error,
        },
    };
    let mode = fs::metadata(path).map_err(unreadable)?.mode();
    if mode & 0o022 != 0 {
        return Err(ConfigError::Exposed(path.to_path_buf()));
    }
    fs::read_to_string(path).map_err(unreadable)
}

pub(super) fn describe(error: &toml::de::Error, text: &str) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    let message = printable(error.message(), 600);
    let message = error
        .span()
        .and_then(|span| one_of_several(&message, text.get(span.start..)?))
        .or_else(|| nearest(&message))
        .unwrap_or_else(|| message.replacen("unknown variant", "unknown value", 1));
    match line {
        Some(line) => format!("line {line}: {message}"),
        None => message,
    }
}

/// For `[credentials.x.inject]`, of which there may be several: how that is written.
fn one_of_several(message: &str, from: &str) -> Option<String> {
    if !message.starts_with("invalid type: map, expected a sequence") {
        return None;
    }
    let header = from.lines().next()?.trim_start_matches('[');
    let (header, _) = header.split_once(']')?;
    let header = printable(header.trim(), 200);
    header.ends_with(".inject").then(|| {
        format!(
            "there may be several of `{header}`, so each has double brackets: write `[[{header}]]`"
        )
    })
}

/// For serde's "unknown field `x`, expected one of `a`, `b`": the sentence with the nearest known key.
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted
        .next()
        .filter(|_| message.starts_with("unknown field "))?;
    let best = quoted
        .map(|known| (known, strsim::jaro_winkler(unknown, known)))
        .max_by(|one, other| one.1.total_cmp(&other.1));
    Some(match best {
        Some((known, alike)) if alike >= ALIKE => {
            format!("unknown key `{unknown}`; did you mean `{known}`?")
        }
        _ => format!("unknown key `{unknown}`; docs/operations.md lists every key"),
    })
}

#[cfg(test)]
mod tests;
