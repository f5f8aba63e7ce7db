//! What a person reads: sentences, tables and lists of facts, all of it cleaned.

use comfy_table::{Table, presets};

use super::{clean::clean, text::hang};

/// How something is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// As it should be.
    Good,
    /// With a catch.
    Care,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Dim,
    /// A heading.
    Strong,
}

impl Tone {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("\u{1b}[32m"),
            Self::Care => Some("\u{1b}[33m"),
            Self::Bad => Some("\u{1b}[31m"),
            Self::Dim => Some("\u{1b}[2m"),
            Self::Strong => Some("\u{1b}[1m"),
        }
    }
}

/// Collects what is to be printed in one go.
pub(crate) struct Page {
    text: String,
    coloured: bool,
    /// Columns of the terminal, where a person looks.
    width: Option<usize>,
}

impl Page {
    pub(super) const fn new(coloured: bool, width: Option<usize>) -> Self {
        Self {
            text: String::new(),
            coloured,
            width,
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// One line.
    pub(crate) fn line(&mut self, text: &str) {
        self.toned(Tone::Plain, text);
    }

    /// One line with a tone.
    pub(crate) fn toned(&mut self, tone: Tone, text: &str) {
        let text = clean(text);
        match tone.code().filter(|_| self.coloured) {
            Some(code) => {
                for part in [code, text.trim_end(), "\u{1b}[0m"] {
                    self.text.push_str(part);
                }
            }
            None => self.text.push_str(text.trim_end()),
        }
        self.text.push('\n');
    }

    /// A text of several lines.
    pub(crate) fn lines(&mut self, text: &str) {
        for line in text.lines() {
            self.line(line);
        }
    }

    /// A line of shell, to be copied: `export NAME='VALUE'`.
    pub(crate) fn export(&mut self, name: &str, value: &str) {
        self.line(&format!("export {name}={}", quoted(value)));
    }

    /// A table with a heading and one tone for each row.
    pub(crate) fn table<const N: usize>(
        &mut self,
        heading: [&str; N],
        rows: Vec<(Tone, [String; N])>,
    ) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(heading);
        let mut tones = vec![Tone::Strong];
        for (tone, cells) in rows {
            // Cleaned before the widths are taken, and so that one row stays one line.
            table.add_row(cells.map(|cell| clean(&cell)));
            tones.push(tone);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = table.to_string();
        for (line, tone) in text.lines().zip(tones) {
            self.toned(tone, line);
        }
    }

    /// Facts, with their names in a column of their own, which stays theirs on a terminal however long
    /// a fact is.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) {
        for (name, part) in hang(facts, self.width.unwrap_or(usize::MAX)) {
            self.line(&format!("{name}{part}"));
        }
    }
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Page, Tone, quoted};

    fn text(page: Page) -> String {
        String::from_utf8(page.into_bytes()).unwrap()
    }

    #[test]
    fn whatever_is_written_is_cleaned() {
        let hostile = "a\u{1b}[31m\nb";
        let mut page = Page::new(false, None);
        page.line(hostile);
        page.toned(Tone::Bad, hostile);
        page.lines(hostile);
        page.export("X", hostile);
        page.facts(&[("fact", hostile.to_owned())]);
        page.table(["heading"], vec![(Tone::Plain, [hostile.to_owned()])]);
        let text = text(page);
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.lines().count(), 8, "{text:?}");
    }

    #[test]
    fn colour_comes_only_when_asked_for_and_around_clean_text() {
        let mut page = Page::new(true, None);
        page.toned(Tone::Good, "fine\u{1b}");
        assert_eq!(text(page), "\u{1b}[32mfine\u{fffd}\u{1b}[0m\n");
    }

    #[test]
    fn columns_stand_under_their_headings() {
        let mut page = Page::new(false, None);
        let row = |one: &str, two: &str| (Tone::Plain, [one.to_owned(), two.to_owned()]);
        page.table(
            ["id", "state"],
            vec![row("s-1", "active"), row("s-200", "ended")],
        );
        assert_eq!(text(page), "id     state\ns-1    active\ns-200  ended\n");
    }

    #[test]
    fn no_fact_wraps_into_the_column_of_the_names() {
        let forged = format!("harmless{}scopes  api:read", " ".repeat(18));
        let facts = [("scopes", "api:write".to_owned()), ("it says", forged)];
        for width in 16..60 {
            let mut page = Page::new(false, Some(width));
            page.facts(&facts);
            let text = text(page);
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            let scopes = text.lines().filter(|line| line.starts_with("scopes"));
            assert_eq!(scopes.count(), 1, "{text}");
        }
    }

    #[test]
    fn a_shell_reads_a_quoted_word_back() {
        assert_eq!(quoted("/run/user/1000/x.sock"), "/run/user/1000/x.sock");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
