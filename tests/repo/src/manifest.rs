//! What a crate's manifest says.

use std::io;

/// A crate's manifest.
#[derive(Debug)]
pub struct Manifest {
    /// Its folder, relative to the root.
    pub folder: String,
    /// The crate's name.
    pub name: String,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// Whether it has the workspace's lints.
    pub lints: bool,
}

/// Something that a crate depends on.
#[derive(Debug)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Whether version and features are the workspace's.
    pub inherited: bool,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The crate itself.
    Normal,
    /// Its build script.
    Build,
    /// Its tests.
    Dev,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Where it is not TOML or has no name.
    pub fn parse(folder: &str, text: &str) -> io::Result<Self> {
        let table: toml::Table = text
            .parse()
            .map_err(|error| io::Error::other(format!("{folder}/Cargo.toml: {error}")))?;
        let name = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(toml::Value::as_str)
            .ok_or_else(|| io::Error::other(format!("{folder}/Cargo.toml has no name")))?;
        let lints = table
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool);
        let targets = table.get("target").and_then(toml::Value::as_table);
        let targets = targets
            .into_iter()
            .flatten()
            .filter_map(|(_, target)| target.as_table());
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            dependencies: std::iter::once(&table)
                .chain(targets)
                .flat_map(dependencies)
                .collect(),
            lints: lints == Some(true),
        })
    }

    /// What it depends on when it is built: not what only its tests need.
    pub fn built_with(&self) -> impl Iterator<Item = &str> {
        let built = self.dependencies.iter().filter(|d| d.kind != Kind::Dev);
        built.map(|dependency| dependency.name.as_str())
    }
}

fn dependencies(table: &toml::Table) -> Vec<Dependency> {
    let sections = [
        ("dependencies", Kind::Normal),
        ("build-dependencies", Kind::Build),
        ("dev-dependencies", Kind::Dev),
    ];
    let mut found = Vec::new();
    for (section, kind) in sections {
        let entries = table.get(section).and_then(toml::Value::as_table);
        for (name, value) in entries.into_iter().flatten() {
            let inherited = value.get("workspace").and_then(toml::Value::as_bool);
            found.push(Dependency {
                name: name.clone(),
                kind,
                inherited: inherited == Some(true),
            });
        }
    }
    found
}
