//! Encoders differ in which characters they write by number: each choice among a value's own is a form.

use std::fmt::Write as _;

use super::{Forms, by_number};

/// Most characters of a value about which every choice is a form. Of more, all or none are.
const CHOICES: usize = 5;
/// Longest value of which every choice is, in bytes.
const LONGEST: usize = 256;
/// What hardly any encoder touches (RFC 3986 section 2.3).
const UNRESERVED: &str = "-._~";

/// Writes a character, by number where that was chosen, and as it must be written where it was not.
type Encoder = fn(&mut String, char, bool);

const ENCODERS: [Encoder; 5] = [url, json, json_of_html, html_hexadecimal, html_decimal];

pub(super) fn add(forms: &mut Forms, text: &str) {
    for chosen in choices(text) {
        for encode in ENCODERS {
            let mut form = String::with_capacity(text.len() * 2);
            for character in text.chars() {
                encode(&mut form, character, chosen.contains(&character));
            }
            forms.add(form.into());
        }
    }
}

/// Sets of characters that are written by number.
fn choices(text: &str) -> Vec<Vec<char>> {
    let odd = |character: &char| character.is_ascii() && !character.is_ascii_alphanumeric();
    let mut all: Vec<char> = text.chars().filter(odd).collect();
    all.sort_unstable();
    all.dedup();
    let mut some = all.clone();
    some.retain(|character| !UNRESERVED.contains(*character));
    if some.len() > CHOICES || text.len() > LONGEST {
        return vec![Vec::new(), some, all];
    }
    let subset = |bits: u32| {
        let chosen = |(place, _): &(usize, &char)| bits & (1 << place) != 0;
        let characters = some.iter().enumerate().filter(chosen);
        characters.map(|(_, character)| *character).collect()
    };
    (0..1 << some.len()).map(subset).chain([all]).collect()
}

fn url(out: &mut String, character: char, chosen: bool) {
    if chosen || !character.is_ascii_graphic() || character == '%' {
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            // Text takes what is written to it.
            let _ = write!(out, "%{byte:02x}");
        }
    } else {
        out.push(character);
    }
}

/// RFC 8259 section 7.
fn json(out: &mut String, character: char, chosen: bool) {
    match character {
        _ if chosen || character.is_ascii_control() => {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&by_number(*unit));
            }
        }
        '"' | '\\' => out.extend(['\\', character]),
        _ => out.push(character),
    }
}

/// The same where it may stand in HTML.
fn json_of_html(out: &mut String, character: char, chosen: bool) {
    if character == '/' && !chosen {
        out.push_str("\\/");
    } else {
        json(out, character, chosen);
    }
}

fn html_hexadecimal(out: &mut String, character: char, chosen: bool) {
    html(out, character, chosen, |out, number| {
        let _ = write!(out, "&#x{number:x};");
    });
}

fn html_decimal(out: &mut String, character: char, chosen: bool) {
    html(out, character, chosen, |out, number| {
        let _ = write!(out, "&#{number};");
    });
}

fn html(out: &mut String, character: char, chosen: bool, by_number: fn(&mut String, u32)) {
    match character {
        _ if chosen => by_number(out, character.into()),
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        _ => out.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::super::forms;

    #[test]
    fn what_libraries_make_of_a_value_is_among_them() {
        let all = forms(b"q7/Jx+V.w9=='", std::iter::empty());
        let all: Vec<_> = all
            .iter()
            .map(|form| String::from_utf8_lossy(form))
            .collect();
        for form in [
            "q7/Jx+V.w9\\u003d\\u003d\\u0027",   // Gson
            "q7/Jx\\u002bV.w9==\\u0027",         // System.Text.Json
            "q7\\/Jx+V.w9=='",                   // PHP
            "q7/Jx&#43;V.w9==&#39;",             // Go's html/template
            "q7/Jx+V.w9&#x3d;&#x3d;&#x27;",      // Handlebars
            "q7&#x2f;Jx+V.w9&#x3d;&#x3d;&#x27;", // mustache.js
            "q7/Jx%2bV.w9%3d%3d%27",             // Python's quote
            "q7%2fJx%2bV%2ew9%3d%3d%27",
        ] {
            assert!(all.iter().any(|one| *one == form), "{form} in {all:#?}");
        }
    }

    #[test]
    fn there_is_a_bound_to_them() {
        let count = |value: &str| forms(value.as_bytes(), std::iter::empty()).len();
        assert!(count("abc!\"#$%") < 250, "{}", count("abc!\"#$%"));
        assert!(count(r##"abc!"#$%&'()*+,/:;<=>?@[\]^`{|}"##) < 50);
        assert!(count(&"a+/=".repeat(100)) < 50);
    }
}
