//! Whether the tests that documents name are there.

use std::io;

use crate::House;

/// A sentence for every `file.rs::function` in a document that names no test.
///
/// # Errors
/// Where a document or a named file cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for document in house.files().filter(|file| file.ends_with(".md")) {
        for (file, function) in named(&house.text(document)?) {
            let proven = house.path(&file).is_file() && has_test(&house.text(&file)?, &function);
            if !proven {
                wrong.push(format!(
                    "{document} names the test `{file}::{function}`, and there is none: a promise without its test is only a promise"
                ));
            }
        }
    }
    Ok(wrong)
}

/// File and function of every code span that names a test.
fn named(text: &str) -> Vec<(String, String)> {
    let spans = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let split = spans.filter_map(|span| span.split_once(".rs::"));
    split
        .map(|(file, function)| (format!("{file}.rs"), function.to_owned()))
        .collect()
}

/// Whether a source has this function and marks it as a test.
fn has_test(source: &str, function: &str) -> bool {
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        } else if let Some((_, name)) = line.split_once("fn ") {
            if marked && name.split(['(', '<']).next() == Some(function) {
                return true;
            }
            marked = false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{has_test, named};

    #[test]
    fn tests_are_named_in_code_spans() {
        let text = "see `a/b.rs::c`, `a/b.rs` and\n`d.rs::e` but not f.rs::g";
        let found = named(text);
        let pairs: Vec<_> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(pairs, [("a/b.rs", "c"), ("d.rs", "e")]);
    }

    #[test]
    fn only_what_is_marked_is_a_test() {
        let source = "fn helper() {}\n#[test]\nfn good() {}\n\
            #[tokio::test(flavor = \"multi_thread\")]\nasync fn slow() {}\nfn good_helper() {}\n";
        for (function, test) in [
            ("good", true),
            ("slow", true),
            ("helper", false),
            ("good_helper", false),
            ("goo", false),
        ] {
            assert_eq!(has_test(source, function), test, "{function}");
        }
    }
}
