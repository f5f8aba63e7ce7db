//! The repository, read.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Manifest;

/// The repository that this crate is in.
pub struct House {
    root: PathBuf,
    files: Vec<String>,
    manifests: Vec<Manifest>,
    workspace: toml::Table,
}

impl House {
    /// Reads manifests and the list of files: those that git tracks, and new ones that it does not
    /// ignore.
    ///
    /// # Errors
    /// Where git does not answer or a manifest cannot be read.
    pub fn open() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()?;
        if !listed.status.success() {
            return Err(io::Error::other("git does not list the files"));
        }
        let listed = String::from_utf8(listed.stdout).map_err(io::Error::other)?;
        let mut files: Vec<String> = listed
            .lines()
            .filter(|file| root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        let workspace: toml::Table = read(&root, "Cargo.toml")?
            .parse()
            .map_err(io::Error::other)?;
        // What is outside of the workspace cannot inherit from it, and ships nothing.
        let outside = workspace
            .get("workspace")
            .and_then(|workspace| workspace.get("exclude"))
            .and_then(toml::Value::as_array);
        let is_outside = |folder: &str| {
            let mut outside = outside.into_iter().flatten();
            outside.any(|excluded| excluded.as_str() == Some(folder))
        };
        let manifests = files
            .iter()
            .filter_map(|file| file.strip_suffix("/Cargo.toml"))
            .filter(|folder| !is_outside(folder))
            .map(|folder| Manifest::parse(folder, &read(&root, &format!("{folder}/Cargo.toml"))?))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            root,
            files,
            manifests,
            workspace,
        })
    }

    /// Every file, relative to the root, in order.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The manifests of the crates.
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// The crates of other people that the workspace names, each with its version.
    pub fn third_parties(&self) -> impl Iterator<Item = (&str, &str)> {
        let table = self
            .workspace
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies"))
            .and_then(toml::Value::as_table);
        table.into_iter().flatten().filter_map(|(name, value)| {
            let version = value.as_str().or_else(|| value.get("version")?.as_str())?;
            Some((name.as_str(), version))
        })
    }

    /// Where a file is.
    pub fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The text of a file.
    ///
    /// # Errors
    /// Where it cannot be read or is not UTF-8.
    pub fn text(&self, file: &str) -> io::Result<String> {
        read(&self.root, file)
    }
}

fn read(root: &Path, file: &str) -> io::Result<String> {
    fs::read_to_string(root.join(file))
        .map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
}
