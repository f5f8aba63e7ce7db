//! One setting of git's, and the home of whom it is for.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// More settings than anybody has in an environment.
const GIVEN: usize = 1000;

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
        let path = home.expanded(&self.value);
        let path = match self.file.as_deref().and_then(Path::parent) {
            Some(folder) => folder.join(path),
            None => path,
        };
        (self.is_include() && path.is_absolute()).then_some(path)
    }
}

/// Where a user has settings of git's.
#[derive(Debug)]
pub(crate) struct Home {
    pub(super) folder: PathBuf,
    /// What the environment says of settings.
    pub(super) variables: BTreeMap<String, OsString>,
}

impl Home {
    pub(crate) fn at(folder: &Path) -> Self {
        Self::with(folder, |name| env::var_os(name))
    }

    pub(super) fn with(folder: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let count = variable("GIT_CONFIG_COUNT").and_then(|count| count.to_str()?.parse().ok());
        let given = 0..count.unwrap_or(0).min(GIVEN);
        let given = given.flat_map(|number| {
            [
                format!("GIT_CONFIG_KEY_{number}"),
                format!("GIT_CONFIG_VALUE_{number}"),
            ]
        });
        let fixed = [
            "XDG_CONFIG_HOME",
            "GIT_CONFIG_GLOBAL",
            "GIT_CONFIG_SYSTEM",
            "GIT_CONFIG_COUNT",
        ];
        let names = fixed.into_iter().map(str::to_owned).chain(given);
        let variables = names.filter_map(|name| variable(&name).map(|value| (name, value)));
        Self {
            folder: folder.to_owned(),
            variables: variables.collect(),
        }
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name)
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let path = |name| self.variable(name).map(PathBuf::from);
        let config = path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let config = config.unwrap_or_else(|| self.folder.join(".config"));
        let system = path("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into());
        match path("GIT_CONFIG_GLOBAL") {
            Some(global) => vec![system, global],
            None => vec![
                system,
                config.join("git/config"),
                self.folder.join(".gitconfig"),
            ],
        }
    }

    /// Settings that are in no file.
    pub(super) fn given(&self) -> Vec<Setting> {
        let text = |name: &str, number| {
            let value = self.variable(&format!("GIT_CONFIG_{name}_{number}"));
            value.map(|value| value.to_string_lossy().into_owned())
        };
        let given = (0..GIVEN).map_while(|number| {
            let (key, value) = (text("KEY", number)?, text("VALUE", number)?);
            let (section, name) = key.split_once('.')?;
            let (between, name) = name
                .rsplit_once('.')
                .map_or((None, name), |(between, name)| (Some(between), name));
            let parts = [
                Some(section.to_lowercase()),
                between.map(str::to_owned),
                Some(name.to_lowercase()),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            Some(Setting {
                file: None,
                key: parts.join("."),
                value,
            })
        });
        given.collect()
    }

    /// As git has paths, and a shell words.
    pub(super) fn expanded(&self, path: &str) -> PathBuf {
        let marks = ["~/", "$HOME/", "${HOME}/"];
        let rest = marks.iter().find_map(|mark| path.strip_prefix(mark));
        rest.map_or_else(|| PathBuf::from(path), |rest| self.folder.join(rest))
    }
}
