//! One setting of git's, and the home of whom it is for.

use std::{
    env,
    path::{Path, PathBuf},
};

#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// Where it is, unless it is in no file.
    pub(super) file: Option<PathBuf>,
    /// Section and name in lower case.
    pub(super) key: String,
    pub(super) value: String,
}

impl Setting {
    pub(super) fn is_include(&self) -> bool {
        let is_of = |section| self.key.starts_with(section);
        self.key.ends_with(".path") && (is_of("include.") || is_of("includeif."))
    }

    /// The file that it has git read.
    pub(super) fn included(&self, home: &Home) -> Option<PathBuf> {
        let folder = self.file.as_deref().and_then(Path::parent)?;
        self.is_include()
            .then(|| folder.join(home.expanded(&self.value)))
    }
}

/// Where a user has settings of git's.
#[derive(Debug)]
pub(crate) struct Home {
    pub(super) folder: PathBuf,
    /// `XDG_CONFIG_HOME`, if it is set.
    pub(super) config: Option<PathBuf>,
}

impl Home {
    pub(crate) fn at(folder: &Path) -> Self {
        let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        Self {
            folder: folder.to_owned(),
            config: config.filter(|path| path.is_absolute()),
        }
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let config = self.config.clone();
        let config = config.unwrap_or_else(|| self.folder.join(".config"));
        let system = PathBuf::from("/etc/gitconfig");
        vec![
            system,
            config.join("git/config"),
            self.folder.join(".gitconfig"),
        ]
    }

    /// As git has paths, and a shell words.
    pub(super) fn expanded(&self, path: &str) -> PathBuf {
        let marks = ["~/", "$HOME/", "${HOME}/"];
        let rest = marks.iter().find_map(|mark| path.strip_prefix(mark));
        rest.map_or_else(|| PathBuf::from(path), |rest| self.folder.join(rest))
    }
}
