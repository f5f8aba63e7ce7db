//! How large files are.

use std::io;

use crate::House;

/// Most lines of a file outside tests.
const CEILING: usize = 800;
/// Most lines of 95 in 100 files outside tests.
const MOST: usize = 500;

/// Lines per Rust file outside tests.
#[derive(Debug)]
pub struct Sizes(Vec<(usize, String)>);

impl Sizes {
    /// Counts.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn of(house: &House) -> io::Result<Self> {
        let mut sizes = Vec::new();
        for file in house.files().filter(|file| counts(file)) {
            sizes.push((house.text(file)?.lines().count(), file.to_owned()));
        }
        sizes.sort();
        Ok(Self(sizes))
    }

    /// Half of the files are no longer.
    pub fn median(&self) -> usize {
        self.percentile(50)
    }

    /// 95 in 100 files are no longer.
    pub fn p95(&self) -> usize {
        self.percentile(95)
    }

    /// How many files.
    pub fn files(&self) -> usize {
        self.0.len()
    }

    /// A sentence for every file over the ceiling, and one if too many are long.
    pub fn check(&self) -> Vec<String> {
        let over = self.0.iter().filter(|(lines, _)| *lines > CEILING);
        let mut wrong: Vec<_> = over
            .map(|(lines, file)| {
                format!("{file} has {lines} lines, over {CEILING}: it holds more than one idea")
            })
            .collect();
        if self.p95() > MOST {
            wrong.push(format!(
                "one file in twenty is longer than {} lines; {MOST} are the aim",
                self.p95()
            ));
        }
        wrong
    }

    fn percentile(&self, percent: usize) -> usize {
        let rank = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(rank).map_or(0, |(lines, _)| *lines)
    }
}

fn counts(file: &str) -> bool {
    let is_test = file
        .split('/')
        .any(|part| matches!(part, "tests" | "tests.rs"));
    file.ends_with(".rs") && !is_test
}

#[cfg(test)]
mod tests {
    use super::{Sizes, counts};

    #[test]
    fn only_what_ships_counts() {
        assert!(counts("broker/core/src/flow.rs"));
        for other in [
            "tests/e2e/src/lib.rs",
            "proto/codes/src/tests.rs",
            "README.md",
        ] {
            assert!(!counts(other), "{other}");
        }
    }

    #[test]
    fn long_files_are_found() {
        let sizes = |lines: &[usize]| {
            Sizes(
                lines
                    .iter()
                    .map(|lines| (*lines, "x.rs".to_owned()))
                    .collect(),
            )
        };
        assert_eq!(sizes(&[10, 20, 500]).check(), Vec::<String>::new());
        assert_eq!(sizes(&[10; 30]).median(), 10);
        assert_eq!(sizes(&[10, 20, 501]).check().len(), 1, "too many are long");
        assert_eq!(
            sizes(&[&[10; 30][..], &[801]].concat()).check().len(),
            1,
            "one is too long"
        );
    }
}
