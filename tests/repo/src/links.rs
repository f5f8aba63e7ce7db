//! Whether links in documents lead somewhere.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use crate::House;

/// A sentence for every link to a file or a heading that is not there.
///
/// # Errors
/// Where a document cannot be read.
pub fn check(house: &House) -> io::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for file in house.files().filter(|file| file.ends_with(".md")) {
        for target in targets(&house.text(file)?) {
            if let Some(why) = dead(house, file, &target)? {
                wrong.push(format!("{file} links to `{target}`: {why}"));
            }
        }
    }
    Ok(wrong)
}

fn dead(house: &House, file: &str, target: &str) -> io::Result<Option<&'static str>> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(None);
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() {
        file.to_owned()
    } else {
        let Some(path) = resolve(file, path) else {
            return Ok(Some("that is outside the repository"));
        };
        path
    };
    if !house.path(&path).exists() {
        return Ok(Some("there is no such file"));
    }
    if heading.is_empty() || !path.ends_with(".md") {
        return Ok(None);
    }
    let found = headings(&house.text(&path)?).any(|anchor| anchor == heading);
    Ok((!found).then_some("there is no such heading"))
}

/// The path of `target` as seen from `file`, from the root.
fn resolve(file: &str, target: &str) -> Option<String> {
    let mut path = PathBuf::from(file);
    path.pop();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => path.pop().then_some(())?,
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path.to_string_lossy().into_owned())
}

/// The lines of a document that are not in a fenced block.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The targets of inline links, code spans left out.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let outside_code: String = line.split('`').step_by(2).collect();
        let mut rest = outside_code.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else {
                break;
            };
            let target = target.split_whitespace().next().unwrap_or_default();
            found.push(target.to_owned());
            rest = after;
        }
    }
    found
}

/// The anchors of headings, as the usual viewers make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

#[cfg(test)]
mod tests {
    use super::{headings, resolve, targets};

    #[test]
    fn links_are_found_in_prose_only() {
        let text =
            "see [a](b.md#c) and [d](<e> \"f\")\n```\n[no](no.md)\n```\n`[no](no.md)` [`x`](y)";
        assert_eq!(targets(text), ["b.md#c", "<e>", "y"]);
    }

    #[test]
    fn paths_are_seen_from_the_document() {
        assert_eq!(
            resolve("docs/adr/1.md", "../flow.md").as_deref(),
            Some("docs/flow.md")
        );
        assert_eq!(resolve("README.md", "docs").as_deref(), Some("docs"));
        assert_eq!(resolve("README.md", "../x"), None);
        assert_eq!(resolve("README.md", "/etc/passwd"), None);
    }

    #[test]
    fn headings_become_anchors() {
        let anchors: Vec<_> = headings("# What it *is*\n## `code`, 2nd\n").collect();
        assert_eq!(anchors, ["what-it-is", "code-2nd"]);
    }
}
