//! Text from outside, made fit for a terminal.

/// What stands where something was taken out, so that a person sees that there was something.
const REPLACEMENT: char = '\u{fffd}';

/// `text` without characters that could move a cursor, hide text or reorder it.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_hostile(c) { REPLACEMENT } else { c })
        .collect()
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{115f}'
                | '\u{1160}'
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
    use super::clean;

    #[test]
    fn what_moves_hides_or_reorders_is_replaced() {
        assert_eq!(
            clean("\u{1b}[2J\r\n\t\u{9b}31m\u{202e}\u{200b}\u{7f}\u{e0041}\u{2800}x"),
            "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}31m\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}x"
        );
    }

    #[test]
    fn ordinary_words_of_any_script_stay() {
        let text = "naïve 日本語 العربية – “quoted”";
        assert_eq!(clean(text), text);
    }
}
