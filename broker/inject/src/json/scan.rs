//! Reads a document strictly (RFC 8259), and where in it a pointer leads.
//!
//! Strictly, because a server that reads it otherwise would find the value elsewhere: no key twice, no
//! comments, no comma at the end, no lone surrogate.

use std::collections::BTreeSet;

use super::pointer;
use crate::PlaceError;

/// Deepest nesting of arrays and objects.
const DEPTH: usize = 128;

/// Where a pointer leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// To a value, by bytes.
    Value { start: usize, end: usize },
    /// To a member that an object does not have: it would go there, before the brace, after a comma if it
    /// is not the first.
    Member { at: usize, first: bool },
    /// To nothing.
    Nowhere,
}

/// Reads the whole of `text`.
pub(super) fn locate(text: &str, pointer: &[String]) -> Result<Spot, PlaceError> {
    let mut scan = Scan {
        text: text.as_bytes(),
        at: 0,
        spot: Spot::Nowhere,
    };
    scan.value(0, Some(pointer))?;
    scan.space();
    if scan.peek().is_some() {
        return Err(PlaceError::NotJson);
    }
    Ok(scan.spot)
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    spot: Spot,
}

type Read<T = ()> = Result<T, PlaceError>;

impl Scan<'_> {
    /// `wanted` is what is left of the pointer, on the way that it leads.
    fn value(&mut self, depth: usize, wanted: Option<&[String]>) -> Read {
        self.space();
        let start = self.at;
        match self.next()? {
            b'{' => self.object(deeper(depth)?, wanted)?,
            b'[' => self.array(deeper(depth)?, wanted)?,
            b'"' => self.string().map(drop)?,
            b't' => self.word(b"rue")?,
            b'f' => self.word(b"alse")?,
            b'n' => self.word(b"ull")?,
            first => self.number(first)?,
        }
        if wanted.is_some_and(<[String]>::is_empty) {
            let end = self.at;
            self.spot = Spot::Value { start, end };
        }
        Ok(())
    }

    fn object(&mut self, depth: usize, wanted: Option<&[String]>) -> Read {
        let mut keys = BTreeSet::new();
        if !self.ends(b'}') {
            loop {
                self.space();
                self.byte(b'"')?;
                let key = self.string()?;
                self.space();
                self.byte(b':')?;
                let wanted = wanted
                    .and_then(<[String]>::split_first)
                    .filter(|(first, _)| **first == key);
                self.value(depth, wanted.map(|(_, rest)| rest))?;
                if !keys.insert(key) {
                    return Err(PlaceError::DuplicateKey);
                }
                if self.ends(b'}') {
                    break;
                }
                self.byte(b',')?;
            }
        }
        if let Some([last]) = wanted
            && !keys.contains(last)
        {
            self.spot = Spot::Member {
                at: self.at - 1,
                first: keys.is_empty(),
            };
        }
        Ok(())
    }

    fn array(&mut self, depth: usize, wanted: Option<&[String]>) -> Read {
        if self.ends(b']') {
            return Ok(());
        }
        let wanted = wanted.and_then(<[String]>::split_first);
        let wanted = wanted.and_then(|(first, rest)| Some((pointer::index(first)?, rest)));
        for index in 0.. {
            let wanted = wanted.filter(|(first, _)| *first == index);
            self.value(depth, wanted.map(|(_, rest)| rest))?;
            if self.ends(b']') {
                break;
            }
            self.byte(b',')?;
        }
        Ok(())
    }

    /// After the quotation mark, up to and with the next.
    fn string(&mut self) -> Read<String> {
        let mut read = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => {
                    let character = self.escaped()?;
                    read.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=0x1f => return Err(PlaceError::NotJson),
                other => read.push(other),
            }
        }
        String::from_utf8(read).map_err(|_| PlaceError::NotJson)
    }

    fn escaped(&mut self) -> Read<char> {
        Ok(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.unit()?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) {
                    self.word(b"\\u")?;
                    units.push(self.unit()?);
                }
                let character = char::decode_utf16(units).next();
                character.and_then(Result::ok).ok_or(PlaceError::NotJson)?
            }
            _ => return Err(PlaceError::NotJson),
        })
    }

    fn unit(&mut self) -> Read<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16);
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            unit = unit << 4 | digit.ok_or(PlaceError::NotJson)?;
        }
        Ok(unit)
    }

    fn number(&mut self, first: u8) -> Read {
        let first = if first == b'-' { self.next()? } else { first };
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(PlaceError::NotJson),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Read {
        let before = self.at;
        self.digits();
        if self.at == before {
            return Err(PlaceError::NotJson);
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether `end` is next, after spaces; then it is taken.
    fn ends(&mut self, end: u8) -> bool {
        self.space();
        let ends = self.peek() == Some(end);
        self.at += usize::from(ends);
        ends
    }

    fn word(&mut self, rest: &[u8]) -> Read {
        rest.iter().try_for_each(|byte| self.byte(*byte))
    }

    fn byte(&mut self, expected: u8) -> Read {
        if self.next()? == expected {
            return Ok(());
        }
        Err(PlaceError::NotJson)
    }

    fn next(&mut self) -> Read<u8> {
        let byte = self.peek().ok_or(PlaceError::NotJson)?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

fn deeper(depth: usize) -> Read<usize> {
    if depth == DEPTH {
        return Err(PlaceError::TooDeep);
    }
    Ok(depth + 1)
}
