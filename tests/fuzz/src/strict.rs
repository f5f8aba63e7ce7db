//! HTTP/1.1 in the one way that nobody reads differently (RFC 9112). What is merely unusual is an error.

/// A head's first line and fields, names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub line: [String; 3],
    pub fields: Vec<(String, Vec<u8>)>,
    /// Of the head, in bytes.
    pub length: usize,
}

impl Head {
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.fields.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| &value[..])
    }

    pub fn one(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.fields.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    pub fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }

    /// How the body ends, where there is one way to see it.
    pub fn framing(&self) -> Result<Framing, &'static str> {
        let lengths: Vec<_> = self.all("content-length").collect();
        let codings: Vec<_> = self.all("transfer-encoding").collect();
        match (&lengths[..], &codings[..]) {
            ([], []) => Ok(Framing::Nothing),
            ([length], []) => {
                let fine = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(length).ok().filter(|_| fine);
                let length = length.and_then(|text| text.parse().ok());
                length.map(Framing::Length).ok_or("a length is no number")
            }
            ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            ([], _) => Err("a coding that is not `chunked` alone"),
            ([_], [_, ..]) => Err("a length and a coding"),
            _ => Err("two lengths"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Nothing,
    Length(usize),
    Chunked,
}

/// A head; `None` where it is not whole yet. The first line is three words, the last of which may have
/// spaces where `reason`.
pub fn head(bytes: &[u8], reason: bool) -> Result<Option<Head>, &'static str> {
    let mut head = Head::default();
    let mut rest = bytes;
    let mut first = true;
    loop {
        let Some(end) = rest.iter().position(|b| *b == b'\n') else {
            return if rest.contains(&0) {
                Err("a zero byte in a head")
            } else {
                Ok(None)
            };
        };
        let line = rest[..end].strip_suffix(b"\r").ok_or("a bare line feed")?;
        rest = &rest[end + 1..];
        if line
            .iter()
            .any(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f)
        {
            return Err("a control character in a head");
        }
        if first {
            head.line = words(line, reason)?;
            first = false;
        } else if line.is_empty() {
            head.length = bytes.len() - rest.len();
            return Ok(Some(head));
        } else {
            head.fields.push(field(line)?);
        }
    }
}

fn words(line: &[u8], reason: bool) -> Result<[String; 3], &'static str> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(3, ' ').map(str::to_owned);
    let words = [(); 3].map(|()| words.next().unwrap_or_default());
    let fine = words[..2].iter().all(|word| !word.is_empty());
    if fine && (reason || (!words[2].is_empty() && !words[2].contains(' '))) {
        Ok(words)
    } else {
        Err("a first line that is not three words")
    }
}

fn field(line: &[u8]) -> Result<(String, Vec<u8>), &'static str> {
    let colon = line.iter().position(|b| *b == b':').ok_or("no colon")?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    if name.is_empty() || !name.iter().all(token) {
        return Err("a field's name is no token");
    }
    let name = std::str::from_utf8(name).map_err(|_| "a field's name is no text")?;
    Ok((name.to_ascii_lowercase(), value.trim_ascii().to_vec()))
}

/// A body as far as it is there.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub data: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Of it in its framing, in bytes, where it is whole.
    pub whole: Option<usize>,
}

pub fn body(bytes: &[u8], framing: Framing) -> Result<Body, &'static str> {
    match framing {
        Framing::Nothing => Ok(Body {
            whole: Some(0),
            ..Body::default()
        }),
        Framing::Length(length) => Ok(Body {
            data: bytes[..length.min(bytes.len())].to_vec(),
            whole: (bytes.len() >= length).then_some(length),
            ..Body::default()
        }),
        Framing::Chunked => chunks(bytes),
    }
}

fn chunks(bytes: &[u8]) -> Result<Body, &'static str> {
    let mut body = Body::default();
    let mut rest = bytes;
    loop {
        let Some(end) = rest.iter().position(|b| *b == b'\n') else {
            let fine = rest.iter().all(|b| b.is_ascii_hexdigit() || *b == b'\r');
            return if fine && rest.len() < 18 {
                Ok(body)
            } else {
                Err("a chunk's size is no number")
            };
        };
        let line = rest[..end].strip_suffix(b"\r").ok_or("a bare line feed")?;
        if line.is_empty() || line.len() > 15 || !line.iter().all(u8::is_ascii_hexdigit) {
            return Err("a chunk's size is no number");
        }
        let size = std::str::from_utf8(line).map_err(|_| "a chunk's size")?;
        let size = usize::from_str_radix(size, 16).map_err(|_| "a chunk's size")?;
        rest = &rest[end + 1..];
        if size == 0 {
            break;
        }
        body.data.extend_from_slice(&rest[..size.min(rest.len())]);
        match rest.get(size..) {
            None | Some([] | [b'\r']) => return Ok(body),
            Some([b'\r', b'\n', after @ ..]) => rest = after,
            Some(_) => return Err("a chunk does not end where it says"),
        }
    }
    loop {
        let Some(end) = rest.iter().position(|b| *b == b'\n') else {
            return Ok(body);
        };
        let line = rest[..end].strip_suffix(b"\r").ok_or("a bare line feed")?;
        rest = &rest[end + 1..];
        if line.is_empty() {
            body.whole = Some(bytes.len() - rest.len());
            return Ok(body);
        }
        if line
            .iter()
            .any(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f)
        {
            return Err("a control character in a trailer");
        }
        body.trailers.push(field(line)?);
    }
}
