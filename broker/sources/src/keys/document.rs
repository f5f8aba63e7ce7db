//! What the keyring holds of one algorithm's keys: JSON with the key that signs, whole, and the public
//! halves of those that did. A key that is replaced loses its private half here.
//!
//! Errors say nothing of the content: `serde_json` quotes what it does not like.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use valetkey_core::{Algorithm, ports::PublicKey};
use zeroize::Zeroizing;

use super::{held::Held, pair};

const VERSION: u32 = 1;
/// Longest PKCS#8 document that ring makes of these algorithms is 138 bytes; others make longer ones.
const PKCS8_LIMIT: usize = 512;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    version: u32,
    #[serde(borrow)]
    signing: Signing<'a>,
    #[serde(borrow)]
    published: Vec<Published<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signing<'a> {
    /// Base64. Borrowed when read, so no copy of it is left behind.
    pkcs8: &'a str,
    created: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Published<'a> {
    #[serde(borrow)]
    x: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    y: Option<Cow<'a, str>>,
    retires: u64,
}

/// Reads a document; `None` where it is none of this version and algorithm.
pub(super) fn read(algorithm: Algorithm, bytes: &[u8]) -> Option<Held> {
    let document: Document<'_> = serde_json::from_slice(bytes).ok()?;
    if document.version != VERSION {
        return None;
    }
    let mut buffer = Zeroizing::new([0; PKCS8_LIMIT]);
    let length = BASE64
        .decode_slice(document.signing.pkcs8, buffer.as_mut_slice())
        .ok()?;
    let signing = pair::SigningKey::parse(algorithm, buffer.get(..length)?)?;
    let public = |key: Published<'_>| PublicKey {
        retires: Some(key.retires),
        ..pair::from_coordinates(algorithm, key.x.into_owned(), key.y.map(Cow::into_owned))
    };
    Some(Held {
        signing,
        created: document.signing.created,
        published: document.published.into_iter().map(public).collect(),
    })
}

/// Writes a document for the key in `pkcs8`, beside those that only verify. In one buffer that is
/// large enough from the start; `None` where it would not be.
pub(super) fn write(
    pkcs8: &[u8],
    created: u64,
    published: &[PublicKey],
) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = Zeroizing::new(BASE64.encode(pkcs8));
    let document = Document {
        version: VERSION,
        signing: Signing {
            pkcs8: &encoded,
            created,
        },
        published: published
            .iter()
            .map(|key| Published {
                x: Cow::Borrowed(&key.x),
                y: key.y.as_deref().map(Cow::Borrowed),
                retires: key.retires.unwrap_or(created),
            })
            .collect(),
    };
    let mut out = Zeroizing::new(vec![0; encoded.len() + 256 * (1 + published.len())]);
    let room = out.len();
    let mut rest = out.as_mut_slice();
    serde_json::to_writer(&mut rest, &document).ok()?;
    let left = rest.len();
    out.truncate(room - left);
    Some(out)
}

#[cfg(test)]
mod tests {
    use valetkey_core::Algorithm;

    use super::{super::pair::SigningKey, read, write};

    #[test]
    fn what_was_written_is_read() {
        for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
            let make = || SigningKey::generate(algorithm).unwrap();
            let (now, before) = (make(), make());
            let mut old = SigningKey::parse(algorithm, before.as_ref())
                .unwrap()
                .public()
                .clone();
            old.retires = Some(99);
            let bytes = write(now.as_ref(), 77, std::slice::from_ref(&old)).unwrap();
            let held = read(algorithm, &bytes).unwrap();
            let expected = SigningKey::parse(algorithm, now.as_ref()).unwrap();
            assert_eq!(held.signing.public(), expected.public());
            assert_eq!(held.created, 77);
            assert_eq!(held.published, [old]);
        }
    }

    #[test]
    fn garbage_is_no_document() {
        let key = SigningKey::generate(Algorithm::EdDSA).unwrap();
        let good = write(key.as_ref(), 1, &[]).unwrap();
        let good = String::from_utf8(good.to_vec()).unwrap();
        assert!(read(Algorithm::EdDSA, good.as_bytes()).is_some());
        assert!(read(Algorithm::ES256, good.as_bytes()).is_none());
        for bad in [
            String::new(),
            good.replace("\"version\":1", "\"version\":2"),
            good.replace("\"created\":1", "\"created\":\"1\""),
            good.replace("\"pkcs8\":\"", "\"pkcs8\":\"AAAA"),
            good.replace("\"published\":[]", "\"published\":[],\"more\":1"),
        ] {
            assert!(read(Algorithm::EdDSA, bad.as_bytes()).is_none(), "{bad}");
        }
        let long = good.replace("\"pkcs8\":\"", &format!("\"pkcs8\":\"{}", "A".repeat(4096)));
        assert!(read(Algorithm::EdDSA, long.as_bytes()).is_none());
    }
}
