//! A value as it may come back, written down again from the promise (`broker/inject/src/scrub/forms.rs`) and
//! not from its code.

use std::{fmt::Write as _, sync::OnceLock};

/// What is lent: every form of it differs from every other.
pub const VALUE: &str = "sK-l1ve/9zQ+7~V4lu3&Key=";
pub const USER: &str = "bot";
pub const PLACEHOLDER: &str = "vk-placeholder-0123456789";

/// Every form.
pub fn all() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let each = |write: &dyn Fn(char) -> String| VALUE.chars().map(write).collect::<String>();
        let percent = |kept: &'static str| {
            each(&|c| {
                if c.is_ascii_alphanumeric() || kept.contains(c) {
                    c.to_string()
                } else {
                    format!("%{:02X}", u32::from(c))
                }
            })
        };
        let mut all = vec![
            VALUE.to_owned(),
            VALUE.to_ascii_uppercase(),
            VALUE.to_ascii_lowercase(),
            percent("-._~"),
            percent("-._~").to_ascii_lowercase(),
            percent("-._*"),
            percent("-._~!$&'()*+,=:@"),
            each(&|c| format!("%{:02X}", u32::from(c))),
            each(&|c| format!("{:02x}", u32::from(c))),
            each(&|c| format!("{:02X}", u32::from(c))),
            each(&|c| format!("\\u{:04x}", u32::from(c))),
            VALUE.replace('/', "\\/"),
            VALUE.replace('&', "\\u0026"),
            VALUE.replace('&', "&amp;"),
        ];
        for web in [false, true] {
            for before in 0..3 {
                let text = base64(&[&vec![b' '; before], VALUE.as_bytes()].concat(), web);
                // Neither the characters that hold bits of what stands before, nor those of what follows.
                let first = [0, 2, 3][before];
                let end = (before + VALUE.len()) * 8 / 6;
                all.push(text[first..end].to_owned());
            }
            let pair = base64(format!("{USER}:{VALUE}").as_bytes(), web);
            all.push(pair.trim_end_matches('=').to_owned());
        }
        all.sort();
        all.dedup();
        all.into_iter().map(String::into_bytes).collect()
    })
}

/// `bytes` with what stands for the value in it: `FE n` for its form `n`, `FD n m` for the first `m` bytes of
/// that, `FC n m` for what follows those. A fuzzer can move and cut these; it would not find the forms.
pub fn with(bytes: &[u8]) -> Vec<u8> {
    let form = |n: u8| &all()[usize::from(n) % all().len()][..];
    let mut out = Vec::with_capacity(bytes.len() * 2);
    let mut rest = bytes;
    loop {
        match rest {
            [0xfe, n, after @ ..] => {
                out.extend_from_slice(form(*n));
                rest = after;
            }
            [0xfd, n, m, after @ ..] => {
                let form = form(*n);
                out.extend_from_slice(&form[..usize::from(*m) % (form.len() + 1)]);
                rest = after;
            }
            [0xfc, n, m, after @ ..] => {
                let form = form(*n);
                out.extend_from_slice(&form[usize::from(*m) % (form.len() + 1)..]);
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
            [] => return out,
        }
    }
}

/// The form that stands in `bytes`.
pub fn within(bytes: &[u8]) -> Option<&'static [u8]> {
    all()
        .iter()
        .find(|form| contains(bytes, form))
        .map(|form| &form[..])
}

pub fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// Fails where a form stands in `bytes`.
pub fn absent(bytes: &[u8], place: &str) {
    if let Some(form) = within(bytes) {
        let mut text = String::new();
        for byte in bytes {
            write!(text, "{}", byte.escape_ascii()).unwrap();
        }
        panic!(
            "the value as `{}` came back in {place}: {text}",
            form.escape_ascii()
        );
    }
}

/// Fails where a form stands in what a connection was answered, a WebSocket's messages among it.
pub fn absent_in_answers(heard: &[u8]) {
    let end = |bytes: &[u8], of: &[u8]| bytes.windows(of.len()).position(|window| window == of);
    let upgraded = end(heard, b"HTTP/1.1 101 ");
    let head = upgraded.and_then(|at| Some(at + end(&heard[at..], b"\r\n\r\n")? + 4));
    let (before, after) = heard.split_at(head.unwrap_or(heard.len()));
    absent(before, "the answers");
    absent_in_messages(after);
}

/// Fails where a form stands in a message of a WebSocket's server, or in what is none.
pub fn absent_in_messages(mut bytes: &[u8]) {
    let mut message = Vec::new();
    while let Some((first, length, rest)) = frame(bytes) {
        let (payload, rest) = rest.split_at(rest.len().min(length));
        if first & 8 != 0 {
            absent(payload, "a control frame");
        } else {
            if first & 0x0f != 0 {
                message.clear();
            }
            message.extend_from_slice(payload);
            absent(&message, "a message");
        }
        bytes = rest;
    }
    absent(bytes, "what is no frame");
}

/// The first byte of a frame, how long it says to be, and what follows its head.
fn frame(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (first, second, rest) = match bytes {
        [first, second @ ..0x80, rest @ ..] if first & 0x70 == 0 => (*first, *second, rest),
        _ => return None,
    };
    let (length, rest) = match second {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length), rest)
        }
        short => (u64::from(short), rest),
    };
    Some((first, usize::try_from(length).ok()?, rest))
}

fn base64(bytes: &[u8], web: bool) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE};
    if web {
        BASE64_URL_SAFE.encode(bytes)
    } else {
        BASE64_STANDARD.encode(bytes)
    }
}
