//! Which folders of the host's a room may show.

use std::{
    env, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::process::{geteuid, getuid};

use crate::{error::Error, room::HOME};

/// What no room may show, whatever its profile says.
#[derive(Debug, Clone)]
pub struct Private {
    /// The developer's home. A folder below it may be shown, it itself and what is above it may not.
    pub home: PathBuf,
    /// Folders with secrets, and those of the broker: nothing above, in or below them may be shown. The
    /// session's own socket is shown all the same.
    pub folders: Vec<PathBuf>,
}

impl Private {
    /// As the environment of this process has it: the folders of the broker, of keyrings, and of the
    /// usual tools that keep credentials in files.
    pub fn of_this_user() -> Self {
        let set = |name| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = set("HOME").unwrap_or_else(|| "/root".into());
        let runtime = set("XDG_RUNTIME_DIR")
            .unwrap_or_else(|| format!("/run/user/{}", getuid().as_raw()).into());
        let config = set("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let state = set("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"));
        let data = set("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        let mut folders = vec![
            runtime,
            config.join("valetkey"),
            state.join("valetkey"),
            data.join("valetkey"),
            data.join("keyrings"),
            config.join("gcloud"),
        ];
        let in_home = [
            ".ssh",
            ".gnupg",
            ".password-store",
            ".aws",
            ".azure",
            ".kube",
            ".docker",
            ".netrc",
        ];
        folders.extend(in_home.map(|name| home.join(name)));
        Self { home, folders }
    }
}

/// What a room has of its own. A host's folder there, or above it, would hide it.
const OWN: &[&str] = &[
    "/usr", "/etc", "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", HOME,
];
/// Where a room shows nothing of the host's.
const NEVER: &[&str] = &[
    "/proc",
    "/sys",
    "/dev",
    "/boot",
    "/run/valetkey",
    "/run/valetkey-bin",
];

pub(crate) const ELSEWHERE: &str = "start in a folder of one project, below your home";
const PROFILE: &str =
    "correct what the profile shows, under `[sandbox.profiles]` of the configuration";

/// The real path of the workspace.
pub(crate) fn workspace(path: &Path, private: &Private) -> Result<PathBuf, Error> {
    let refuse = |why: String| Err(Error::place(path, why, ELSEWHERE));
    let real = real(path, ELSEWHERE)?;
    let facts =
        fs::metadata(&real).map_err(|error| Error::place(path, error.to_string(), ELSEWHERE))?;
    if !facts.is_dir() {
        return refuse("a workspace is a folder".into());
    }
    if facts.uid() != geteuid().as_raw() {
        return refuse("a workspace belongs to whoever starts the agent".into());
    }
    hides_nothing(path, &real, ELSEWHERE)?;
    let home = fs::canonicalize(&private.home).unwrap_or_else(|_| private.home.clone());
    if home.starts_with(&real) {
        return refuse("it is your home, or your home is in it".into());
    }
    shows_nothing_private(path, &real, private, ELSEWHERE)?;
    Ok(real)
}

/// The real path of something else that a profile shows.
pub(crate) fn mount(path: &Path, inside: &Path, private: &Private) -> Result<PathBuf, Error> {
    if !inside.is_absolute() || inside.components().any(|part| part.as_os_str() == "..") {
        return Err(Error::Plan(
            "a path inside the sandbox that is not absolute",
        ));
    }
    hides_nothing(inside, inside, PROFILE)?;
    let real = real(path, PROFILE)?;
    if fs::canonicalize(&private.home).is_ok_and(|home| home.starts_with(&real)) {
        return Err(Error::place(
            path,
            "it is your home, or your home is in it",
            PROFILE,
        ));
    }
    shows_nothing_private(path, &real, private, PROFILE)?;
    Ok(real)
}

fn real(path: &Path, next_step: &'static str) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|error| Error::place(path, error.to_string(), next_step))
}

fn hides_nothing(path: &Path, real: &Path, next_step: &'static str) -> Result<(), Error> {
    let hides = |own: &&&str| Path::new(own).starts_with(real);
    if let Some(own) = OWN.iter().find(hides) {
        let why = format!("it would hide the {own} of the sandbox");
        return Err(Error::place(path, why, next_step));
    }
    if let Some(never) = NEVER.iter().find(|never| real.starts_with(never)) {
        let why = format!("nothing below {never} can be shown");
        return Err(Error::place(path, why, next_step));
    }
    Ok(())
}

pub(crate) fn shows_nothing_private(
    path: &Path,
    real: &Path,
    private: &Private,
    next_step: &'static str,
) -> Result<(), Error> {
    for folder in &private.folders {
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        if folder.starts_with(real) || real.starts_with(&folder) {
            let why = format!(
                "{} is private: it keeps secrets, or what the broker keeps",
                crate::error::shown(&folder)
            );
            return Err(Error::place(path, why, next_step));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Private, mount, workspace};

    fn house() -> (tempfile::TempDir, Private) {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home");
        for name in ["project", ".ssh/keys", "link-goes-here"] {
            std::fs::create_dir_all(home.join(name)).expect("a folder");
        }
        let folders = vec![
            home.join(".ssh"),
            folder.path().join("not-there-yet/valetkey"),
        ];
        (folder, Private { home, folders })
    }

    #[test]
    fn a_project_may_be_shown_and_nothing_around_it() {
        let (folder, private) = house();
        let home = private.home.clone();
        workspace(&home.join("project"), &private).expect("a project");
        for refused in [
            home.clone(),
            folder.path().to_owned(),
            home.join(".ssh"),
            home.join(".ssh/keys"),
            home.join("nothing"),
            PathBuf::from("/"),
            "/tmp".into(),
            "/usr".into(),
            "/proc/self".into(),
        ] {
            let error = workspace(&refused, &private).expect_err("refused");
            assert!(!error.next_step().is_empty(), "{refused:?}: {error}");
        }
    }

    #[test]
    fn a_link_to_what_is_private_is_followed_and_refused() {
        let (_folder, private) = house();
        let link = private.home.join("project/keys");
        std::os::unix::fs::symlink("../.ssh", &link).expect("a link");
        workspace(&link, &private).expect_err("refused");
        mount(&link, Path::new("/keys"), &private).expect_err("refused");
        mount(&private.home, Path::new("/keys"), &private).expect_err("refused");
        mount(&private.home.join("project"), Path::new("/usr"), &private).expect_err("refused");
        mount(&private.home.join("project"), Path::new("/opt/p"), &private).expect("allowed");
    }
}
