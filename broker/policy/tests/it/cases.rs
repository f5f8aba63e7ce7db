//! Every table of `policies/cases` is answered as it says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::folder::Folder;
use valetkey_core::{
    Credentials,
    ports::{Policy as _, PolicyLab as _},
};
use valetkey_policy::{BASELINE, CedarPolicies};
use valetkey_support::contracts::policy::network;

/// Checks copies, because the modes of a clone's files are its owner's affair. The broker always has the
/// credential that stands for the network.
fn check(folders: &[&str], cases: &str) {
    let copy = Folder::new(&[]);
    for name in folders {
        for path in files(&policies_folder().join(name), "cedar") {
            let text = fs::read_to_string(&path).expect("a policy");
            copy.write(&file_name(&path), &text);
        }
    }
    let baseline = CedarPolicies::load(&[]).expect("the baseline");
    let cases = policies_folder().join(cases);
    let configured: Credentials = [network(&[], "https://*")].into_iter().collect();
    let checked = baseline.check(Some(copy.path()), Some(&cases), &configured);
    let checked = checked.expect("tables that can be read");
    assert!(checked.cases.len() > 10, "{:?}", checked.cases);
    let wrong: Vec<_> = checked
        .cases
        .iter()
        .filter(|case| case.wrong.is_some())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_baseline_answers_as_its_tables_say() {
    check(&["baseline"], "cases");
}

#[test]
fn the_examples_answer_as_their_tables_say() {
    check(&["baseline", "examples"], "cases/examples");
}

#[test]
fn every_file_of_policies_has_a_table() {
    for (policies, cases) in [("baseline", "cases"), ("examples", "cases/examples")] {
        let stems = |folder: &str, ending| -> BTreeSet<PathBuf> {
            let files = files(&policies_folder().join(folder), ending);
            files
                .map(|path| path.file_stem().expect("a name").into())
                .collect()
        };
        assert_eq!(stems(policies, "cedar"), stems(cases, "toml"));
    }
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
fn what_the_readme_shows_is_so() {
    let readme = fs::read_to_string(policies_folder().join("README.md")).expect("a readme");
    let shown = |language: &str| -> String {
        let fence = format!("```{language}\n");
        let blocks = readme.split(&fence).skip(1);
        let texts = blocks.filter_map(|block| block.split("```").next());
        texts.collect()
    };
    let folder = Folder::new(&[
        ("readme.cedar", &shown("cedar")),
        ("cases.toml", &shown("toml")),
    ]);
    let loaded = folder.load().expect("good policies");
    assert_eq!(loaded.summary().policies, 1);
    let baseline = CedarPolicies::load(&[]).expect("the baseline");
    let checked = baseline.check(None, Some(folder.path()), &Credentials::default());
    let cases = checked.expect("a table").cases;
    assert_eq!(cases.len(), 7);
    assert!(cases.iter().all(|case| case.wrong.is_none()), "{cases:#?}");
}

fn policies_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn files(folder: &Path, ending: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(move |path| path.extension().is_some_and(|found| found == ending))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().expect("a name");
    name.to_str().expect("UTF-8").to_owned()
}
