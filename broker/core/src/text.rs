//! Text from outside, made fit for a terminal, a log line or a record.

/// What stands in for a character that must not reach a terminal.
const REPLACEMENT: char = '\u{fffd}';

/// `text` with every control, format and bidirectional-override character replaced, cut to `limit`
/// characters. Applied to every string that an agent or a server chose and that a person may see.
pub fn printable(text: &str, limit: usize) -> String {
    text.chars()
        .take(limit)
        .map(|c| if is_hostile(c) { REPLACEMENT } else { c })
        .collect()
}

/// Whether a character could move a cursor, hide text or reorder it on a person's screen.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{115f}' | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escapes_are_gone() {
        assert_eq!(
            printable("\u{1b}[2Jok\r\n\u{202e}evil\u{7}\u{2800}", 100),
            "\u{fffd}[2Jok\u{fffd}\u{fffd}\u{fffd}evil\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn it_is_cut_by_characters() {
        assert_eq!(printable("äöü", 2), "äö");
    }

    #[test]
    fn ordinary_words_of_any_script_stay() {
        let text = "naïve 日本語 العربية – “quoted”";
        assert_eq!(printable(text, 100), text);
    }
}
