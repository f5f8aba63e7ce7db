//! Traces of the machine that a file was written on.

use std::io;

use crate::House;

/// What has no place in a file that is shared. In pieces, so that this file is not found.
const TRACES: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("index.cra", "tes.io"), "a registry"),
    (concat!("static.cra", "tes.io"), "a registry"),
    (concat!("registry.np", "mjs"), "a registry"),
    (concat!("py", "pi.org"), "a registry"),
    (concat!("python", "hosted.org"), "a registry"),
];

/// What only looks like one: the home of an agent in its sandbox, the root of a process, a folder in a folder.
const NONE: &[&str] = &[
    concat!("/ho", "me/agent"),
    concat!("/ho", "me/x"),
    concat!("/1/ro", "ot/"),
    concat!("$dir/wo", "rk/"),
];

/// A sentence for every line that has one. Which registry is used is for the machine to say.
///
/// # Errors
/// Where a file cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for file in house.files() {
        // Not every file is text.
        let Ok(text) = house.text(file) else { continue };
        wrong.extend(traces(file, &text));
    }
    Ok(wrong)
}

fn traces(file: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = NONE
            .iter()
            .fold(line.to_owned(), |line, none| line.replace(none, ""));
        for (trace, what) in TRACES {
            if line.contains(trace) {
                wrong.push(format!("{file}:{number} names `{trace}`, {what}"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::traces;

    #[test]
    fn a_path_is_found_with_its_line() {
        let text = concat!("good\nsee /wo", "rk/main\n");
        assert_eq!(traces("a.md", text).len(), 1);
        assert_eq!(
            traces("a.md", "the work/life of /workers"),
            Vec::<String>::new()
        );
    }
}
