//! Text in columns of a terminal: cleaned, cut, filled up and wrapped by the width that it takes there.

use ratatui::text::Span;

use super::clean::clean;

/// Columns that `text` takes.
fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// `text` cut to `room` columns, with an ellipsis where something was cut off.
pub(crate) fn fit(text: &str, room: usize) -> String {
    let text = clean(text);
    if width(&text) <= room {
        return text;
    }
    let mut cut = take(&text, room.saturating_sub(1)).0.to_owned();
    cut.push('…');
    cut
}

/// `text` filled up with spaces to `room` columns.
pub(crate) fn pad(text: &str, room: usize) -> String {
    let mut text = text.to_owned();
    let missing = room.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// `text` in lines of at most `room` columns, broken at spaces where there are any.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let text = clean(text);
    let mut lines = Vec::new();
    let mut rest = text.as_str();
    loop {
        let (line, after) = take(rest, room.max(2));
        if after.is_empty() {
            lines.push(line.to_owned());
            return lines;
        }
        // A break at a space loses the space and nothing else.
        match line.rsplit_once(' ') {
            Some((begin, end)) if !begin.is_empty() && !after.starts_with(' ') => {
                lines.push(begin.to_owned());
                rest = rest
                    .get(rest.len() - after.len() - end.len()..)
                    .unwrap_or(after);
            }
            _ => {
                lines.push(line.to_owned());
                rest = after.strip_prefix(' ').unwrap_or(after);
            }
        }
    }
}

/// Facts in lines of at most `width` columns: for each line the name's column, which is blank where a
/// fact goes on, and then a part of the fact. No fact can pose as the beginning of another.
pub(crate) fn hang(facts: &[(&str, String)], width: usize) -> Vec<(String, String)> {
    let names = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let room = width.saturating_sub(names + 2);
    let mut lines = Vec::new();
    for (name, fact) in facts {
        let mut name = *name;
        for part in wrap(fact, room) {
            lines.push((format!("{name:names$}  "), part));
            name = "";
        }
    }
    lines
}

/// Somebody else's words, in quotes. Blanks in a row become one, so that nothing is moved by them to
/// where it would look like more than words.
pub(crate) fn quote(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for c in words.chars() {
        if !(c == ' ' && text.ends_with(' ')) {
            text.push(c);
        }
    }
    format!("{text:?}")
}

/// As much of `text` as `room` columns hold, and what comes after.
fn take(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > room {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::{fit, hang, pad, quote, width, wrap};

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fit("日本語", 6), "日本語");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(pad("日本", 6), "日本  ");
    }

    #[test]
    fn nothing_is_lost_in_wrapping() {
        let text = "one two  three 日本語日本語 a-word-that-is-longer-than-a-line end";
        for room in 2..70 {
            let lines = wrap(text, room);
            assert!(lines.iter().all(|line| width(line) <= room), "{lines:?}");
            let together: String = lines.concat();
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&together), bare(text));
        }
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two", 7), ["one two"]);
        assert_eq!(wrap("", 7), [""]);
    }

    #[test]
    fn a_fact_goes_on_below_itself_and_never_below_a_name() {
        let facts = [("a", "one two".to_owned()), ("long", "x".to_owned())];
        let lines = hang(&facts, 10);
        let text: Vec<_> = lines
            .iter()
            .map(|(name, part)| name.clone() + part)
            .collect();
        assert_eq!(text, ["a     one", "      two", "long  x"]);
    }

    #[test]
    fn a_quote_has_no_runs_of_blanks_and_hides_nothing_else() {
        assert_eq!(quote("a    b "), "\"a b \"");
        assert_eq!(
            quote("\"a\"\n\n\u{3000}\u{a0}"),
            r#""\"a\"\n\n\u{3000}\u{a0}""#
        );
    }

    #[test]
    fn control_characters_take_no_part() {
        assert_eq!(fit("a\u{1b}[2J", 9), "a\u{fffd}[2J");
        assert_eq!(wrap("a\nb", 9), ["a\u{fffd}b"]);
    }
}
