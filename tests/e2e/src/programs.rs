//! Where the programs of this workspace are.

use std::path::PathBuf;

/// The path of a program that `cargo build --workspace --bins` made beside this test.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let path = test
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    path.unwrap_or_else(|| panic!("there is no `{name}`; `make test` builds it before the tests"))
}
