//! Every table of `policies/cases` is answered as it says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::folder::Folder;
use serde::Deserialize;
use valetkey_core::{
    Audience, SessionId,
    ports::{Policy as _, Question, Tier},
};
use valetkey_policy::{BASELINE, CedarPolicies};
use valetkey_support::contracts::policy::{credential, session};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    policies: Folders,
    ask: Ask,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Folders {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    issuer: String,
    user: String,
    groups: Vec<String>,
    agent: String,
    credential: String,
    scopes: Vec<String>,
    lifetime: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    session: Option<String>,
    issuer: Option<String>,
    user: Option<String>,
    groups: Option<Vec<String>>,
    agent: Option<String>,
    credential: Option<String>,
    audience: Option<String>,
    scopes: Option<Vec<String>>,
    lifetime: Option<u64>,
    expect: Expected,
    by: Option<Vec<String>>,
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Auto,
    Deny,
}

#[test]
fn every_case_is_answered_as_its_table_says() {
    let tables: Vec<_> = files(&policies_folder().join("cases"), "toml").collect();
    assert!(tables.len() >= 2, "{tables:?}");
    for path in tables {
        let table: Table = toml::from_str(&fs::read_to_string(&path).expect("a table"))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let policies = load(&table.policies);
        assert!(!table.case.is_empty());
        for case in &table.case {
            check(&policies, &table.ask, case, &path);
        }
    }
}

fn check(policies: &CedarPolicies, ask: &Ask, case: &Case, table: &Path) {
    let groups = strs(case.groups.as_ref().unwrap_or(&ask.groups));
    let mut session = session(
        case.issuer.as_ref().unwrap_or(&ask.issuer),
        case.user.as_ref().unwrap_or(&ask.user),
        &groups,
        case.agent.as_ref().unwrap_or(&ask.agent),
    );
    if let Some(id) = &case.session {
        session.id = SessionId::parse(id).expect("a session id");
    }
    let credential = credential(
        case.credential.as_ref().unwrap_or(&ask.credential),
        &strs(case.scopes.as_ref().unwrap_or(&ask.scopes)),
    );
    let audience = case.audience.as_ref().map_or_else(
        || credential.audiences.first.clone(),
        |audience| Audience::parse(audience).expect("an audience"),
    );
    let verdict = policies
        .decide(&Question {
            session: &session,
            credential: &credential,
            scopes: &credential.scopes,
            audience: &audience,
            lifetime: case.lifetime.unwrap_or(ask.lifetime),
        })
        .expect("a verdict");
    let tier = match verdict.tier {
        Tier::Auto => Expected::Auto,
        Tier::Deny => Expected::Deny,
    };
    let place = format!("{}: {}", table.display(), case.name);
    assert_eq!(tier, case.expect, "{place}");
    if let Some(by) = &case.by {
        assert_eq!(&verdict.policies, by, "{place}");
    }
}

/// Loads copies, because the modes of a clone's files are its owner's affair.
fn load(folders: &Folders) -> CedarPolicies {
    let names = match folders {
        Folders::One(name) => std::slice::from_ref(name),
        Folders::Several(names) => names,
    };
    let copies: Vec<_> = names
        .iter()
        .map(|name| {
            let copy = Folder::new(&[]);
            for path in files(&policies_folder().join(name), "cedar") {
                copy.write(
                    &file_name(&path),
                    &fs::read_to_string(&path).expect("a policy"),
                );
            }
            copy
        })
        .collect();
    let paths: Vec<_> = copies.iter().map(|copy| copy.path().to_owned()).collect();
    CedarPolicies::load(&paths).expect("the folders load")
}

#[test]
fn the_baseline_that_is_compiled_in_is_the_one_that_is_shipped() {
    let mut shipped: Vec<_> = files(&policies_folder().join("baseline"), "cedar")
        .map(|path| {
            (
                file_name(&path),
                fs::read_to_string(&path).expect("a policy"),
            )
        })
        .collect();
    shipped.sort();
    let compiled_in: Vec<_> = BASELINE
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    assert_eq!(compiled_in, shipped);
}

#[test]
fn the_policies_of_the_readme_load() {
    let readme = fs::read_to_string(policies_folder().join("README.md")).expect("a readme");
    let blocks = readme.split("```cedar\n").skip(1);
    let policies: String = blocks
        .filter_map(|block| block.split("```").next())
        .collect();
    let loaded = Folder::new(&[("readme.cedar", &policies)]).load();
    assert_eq!(loaded.expect("good policies").summary().policies, 1);
}

fn policies_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn files(folder: &Path, ending: &'static str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(move |path| path.extension().is_some_and(|found| found == ending))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_str().expect("UTF-8").to_owned()
}

fn strs(strings: &[String]) -> Vec<&str> {
    strings.iter().map(String::as_str).collect()
}
