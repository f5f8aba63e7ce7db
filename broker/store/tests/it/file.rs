//! Which files are opened.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use valetkey_store::OpenError;

use crate::home::{Home, record};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn every_file_it_makes_is_private() {
    let home = Home::new();
    let store = home.open();
    record(&store, 1).await;
    let files = fs::read_dir(home.folder.path()).unwrap();
    let mut names: Vec<_> = files
        .map(|entry| {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600, "{}", path.display());
            path.file_name().unwrap().to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    let expected = ["", ".ballast", "-shm", "-wal"].map(|end| format!("valetkey.db{end}"));
    names.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn a_file_that_others_can_read_is_closed_to_them() {
    let home = Home::new();
    drop(home.open());
    chmod(&home.database(), 0o644);
    drop(home.open());
    assert_eq!(mode(&home.database()), 0o600);
}

#[test]
fn a_file_or_folder_that_others_can_write_is_refused() {
    let home = Home::new();
    drop(home.open());
    chmod(&home.database(), 0o620);
    assert!(matches!(home.try_open(), Err(OpenError::Exposed(path)) if path == home.database()));
    chmod(&home.database(), 0o600);
    chmod(home.folder.path(), 0o702);
    assert!(matches!(home.try_open(), Err(OpenError::Exposed(path)) if path == home.folder.path()));
}

#[test]
fn a_link_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    drop(other.open());
    symlink(other.database(), home.database()).unwrap();
    assert!(matches!(home.try_open(), Err(OpenError::Link(_))));
}

#[test]
fn a_folder_is_refused() {
    let home = Home::new();
    fs::create_dir(home.database()).unwrap();
    assert!(matches!(home.try_open(), Err(OpenError::NotAFile(_))));
}

#[test]
fn a_newer_file_is_refused_with_what_to_do() {
    let home = Home::new();
    drop(home.open());
    let stranger = home.stranger();
    stranger.pragma_update(None, "user_version", 4).unwrap();
    drop(stranger);
    let error = home.try_open().map(drop).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` was written by a newer valetkey (format 4, this one knows 3); install the newer one again",
            home.database().display()
        )
    );
}

#[test]
fn somebody_elses_file_is_refused_and_left_alone() {
    for contents in [
        &b"dear diary, this is not a database at all"[..],
        &[0; 8192],
    ] {
        let home = Home::new();
        fs::write(home.database(), contents).unwrap();
        chmod(&home.database(), 0o600);
        assert!(matches!(home.try_open(), Err(OpenError::Foreign(_))));
        assert_eq!(fs::read(home.database()).unwrap(), contents);
    }
    let home = Home::new();
    let stranger = home.stranger();
    stranger.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(stranger);
    chmod(&home.database(), 0o600);
    assert!(matches!(home.try_open(), Err(OpenError::Foreign(_))));
}
