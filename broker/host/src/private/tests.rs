use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use super::{PrivateError, bind_private_socket, private_dir};

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    set_mode(root.path(), 0o700);
    root
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn makes_what_is_missing_for_its_owner_alone() {
    let root = root();
    let path = root.path().join("a/b/c");
    private_dir(&path).unwrap();
    private_dir(&path).unwrap();
    for folder in [&path, &root.path().join("a"), &root.path().join("a/b")] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn an_open_folder_is_refused_and_not_changed() {
    let root = root();
    let path = root.path().join("open");
    fs::create_dir(&path).unwrap();
    for open in [0o755, 0o750, 0o701, 0o720] {
        set_mode(&path, open);
        let error = private_dir(&path).unwrap_err();
        assert!(matches!(error, PrivateError::Open { .. }), "{open:o}");
        assert!(error.to_string().contains("`chmod 700 "), "{error}");
        assert_eq!(mode(&path), open);
    }
}

#[test]
fn a_link_or_a_file_is_no_folder() {
    let root = root();
    let (real, link) = (root.path().join("real"), root.path().join("link"));
    private_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [&link, &file] {
        let error = private_dir(path).unwrap_err();
        assert!(matches!(error, PrivateError::Other { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_others_can_swap_is_refused() {
    let root = root();
    let shared = root.path().join("shared");
    let path = shared.join("mine");
    private_dir(&path).unwrap();
    set_mode(&shared, 0o777);
    let error = private_dir(&path).unwrap_err();
    assert!(matches!(&error, PrivateError::Open { path, .. } if path.ends_with("shared")));
    set_mode(&shared, 0o1777);
    private_dir(&path).unwrap();
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    // Root may enter `/etc` as if it were its own, and there it is: so give one away.
    let root = root();
    let path = root.path().join("theirs");
    private_dir(&path).unwrap();
    let error = if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(4242), None).unwrap();
        private_dir(&path).unwrap_err()
    } else {
        private_dir(Path::new("/etc")).unwrap_err()
    };
    assert!(matches!(error, PrivateError::Foreign { .. }), "{error}");
}

#[test]
fn a_socket_is_for_its_owner_alone() {
    let root = root();
    let path = root.path().join("run/socket");
    let _listener = bind_private_socket(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_socket_is_not_taken_away_and_a_dead_one_is_replaced() {
    let root = root();
    let path = root.path().join("socket");
    let listener = bind_private_socket(&path).unwrap();
    let error = bind_private_socket(&path).unwrap_err();
    assert!(matches!(error, PrivateError::InUse { .. }), "{error}");
    drop(listener);
    bind_private_socket(&path).unwrap();
}

#[test]
fn a_file_in_the_way_is_left_alone() {
    let root = root();
    let path = root.path().join("socket");
    fs::write(&path, "precious").unwrap();
    let error = bind_private_socket(&path).unwrap_err();
    assert!(matches!(error, PrivateError::Other { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn a_link_to_a_dead_socket_is_left_alone() {
    let root = root();
    let (target, link) = (root.path().join("target"), root.path().join("socket"));
    drop(UnixListener::bind(&target).unwrap());
    symlink(&target, &link).unwrap();
    let error = bind_private_socket(&link).unwrap_err();
    assert!(matches!(error, PrivateError::Other { .. }), "{error}");
    assert!(target.exists());
}

#[test]
fn a_path_that_is_too_long_is_an_error_and_leaves_nothing() {
    let root = root();
    let path = root.path().join("x".repeat(120));
    let error = bind_private_socket(&path).unwrap_err();
    assert!(matches!(error, PrivateError::System { .. }), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}
