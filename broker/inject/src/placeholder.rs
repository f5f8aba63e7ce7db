//! What stands in the sandbox in place of values, and where in a request it stands.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::request::Parts;
use valetkey_core::{CredentialName, ports::Entropy};

use crate::{TooLarge, decode, search::Search};

/// The placeholders of one session: what stands in the sandbox in place of values. They are no secrets,
/// and good for nothing anywhere else; what they show is which credential the agent means.
pub struct Placeholders {
    all: Vec<(CredentialName, String)>,
    search: Search,
}

impl Placeholders {
    /// Empty placeholders are passed over.
    ///
    /// # Errors
    /// Where there are too many or too long ones.
    pub fn new(all: impl IntoIterator<Item = (CredentialName, String)>) -> Result<Self, TooLarge> {
        let mut all: Vec<_> = all.into_iter().collect();
        all.retain(|(_, placeholder)| !placeholder.is_empty());
        let texts: Vec<_> = all.iter().map(|(_, placeholder)| placeholder).collect();
        let search = Search::new(&texts, false)?;
        Ok(Self { all, search })
    }

    /// A new one: `prefix`, so that tools take it for the real thing, and 32 URL-safe characters of 24
    /// random bytes.
    pub fn make(prefix: &str, entropy: &dyn Entropy) -> String {
        let mut random = [0; 24];
        entropy.fill(&mut random);
        let mut placeholder = String::from(prefix);
        BASE64_URL_SAFE_NO_PAD.encode_string(random, &mut placeholder);
        placeholder
    }

    /// All of them.
    pub fn all(&self) -> &[(CredentialName, String)] {
        &self.all
    }

    /// What stands for the credential.
    pub fn of(&self, credential: &CredentialName) -> Option<&str> {
        let mut all = self.all.iter();
        let (_, placeholder) = all.find(|(name, _)| name == credential)?;
        Some(placeholder)
    }

    /// Every credential whose placeholder stands in the head: in the target, as it is or percent-decoded;
    /// in any header's value, cookies included, likewise; in what Basic authentication encodes. Each once,
    /// in the order of [`Self::new`]. Allocates nothing where there is none.
    pub fn in_head(&self, parts: &Parts) -> Vec<CredentialName> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        if let Some(authority) = parts.uri.authority() {
            self.look(authority.as_str().as_bytes(), &mut found);
        }
        if let Some(target) = parts.uri.path_and_query() {
            self.look(target.as_str().as_bytes(), &mut found);
        }
        for value in parts.headers.values() {
            self.look(value.as_bytes(), &mut found);
            if let Some(encoded) = decode::basic(value.as_bytes()) {
                self.step(decode::base64(encoded), &mut found);
            }
        }
        self.names(found)
    }

    /// Every credential whose placeholder stands in `bytes` as it is, likewise.
    pub fn in_bytes(&self, bytes: &[u8]) -> Vec<CredentialName> {
        let mut found = Vec::new();
        self.search.within(bytes, |_, which, _| found.push(which));
        self.names(found)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn look(&self, bytes: &[u8], found: &mut Vec<usize>) {
        self.search.within(bytes, |_, which, _| found.push(which));
        if bytes.contains(&b'%') {
            self.step(decode::percent(bytes), found);
        }
    }

    fn step(&self, bytes: impl Iterator<Item = u8>, found: &mut Vec<usize>) {
        let mut at = self.search.root();
        for byte in bytes {
            at = self.search.step(at, byte);
            found.extend(self.search.ends(at).map(|(which, _)| which));
        }
    }

    fn names(&self, mut found: Vec<usize>) -> Vec<CredentialName> {
        found.sort_unstable();
        found.dedup();
        let mut names = Vec::new();
        for (name, _) in found.iter().filter_map(|index| self.all.get(*index)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;
    use valetkey_core::CredentialName;
    use valetkey_support::CountingEntropy;

    use super::Placeholders;

    const GITHUB: &str = "ghp_QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC";
    const MODEL: &str = "sk-ant-Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0ND";

    fn name(text: &str) -> CredentialName {
        CredentialName::parse(text).unwrap()
    }

    fn session() -> Placeholders {
        let all = [("github", GITHUB), ("model", MODEL), ("none", "")];
        Placeholders::new(all.map(|(of, text)| (name(of), text.to_owned()))).unwrap()
    }

    fn found(uri: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let found = session().in_head(&parts);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_is_new_and_url_safe() {
        let entropy = CountingEntropy::default();
        let one = Placeholders::make("ghp_", &entropy);
        assert_eq!(one.len(), 4 + 32);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        assert_ne!(one, Placeholders::make("ghp_", &entropy));
    }

    #[test]
    fn each_is_known_by_its_credential() {
        assert_eq!(session().of(&name("github")), Some(GITHUB));
        assert_eq!(session().of(&name("none")), None);
        assert_eq!(session().of(&name("other")), None);
        assert!(!session().is_empty());
        assert!(Placeholders::new([]).unwrap().is_empty());
    }

    #[test]
    fn it_is_found_wherever_a_head_can_hold_it() {
        let hidden = GITHUB.replace("ghp_", "%67hp%5F");
        let basic = |pair: &str| {
            use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
            [
                BASE64_STANDARD.encode(pair),
                BASE64_URL_SAFE_NO_PAD.encode(pair),
            ]
        };
        let [padded, bare] = basic(&format!("x:{GITHUB}"));
        for (uri, header, value) in [
            (format!("https://a/{GITHUB}/x"), "a", String::new()),
            (format!("https://a/bot{hidden}/x"), "a", String::new()),
            (format!("https://a/?key={GITHUB}"), "a", String::new()),
            (format!("/?key={hidden}&b"), "a", String::new()),
            (format!("https://u:{GITHUB}@a/"), "a", String::new()),
            ("/".into(), "authorization", format!("Bearer {GITHUB}")),
            ("/".into(), "x-any", format!("a{GITHUB}b")),
            ("/".into(), "cookie", format!("a=b; c={GITHUB}")),
            ("/".into(), "cookie", format!("a=b; c={hidden}")),
            ("/".into(), "authorization", format!("Basic {padded}")),
            ("/".into(), "proxy-authorization", format!("bAsIc   {bare}")),
        ] {
            assert_eq!(
                found(&uri, &[(header, &value)]),
                ["github"],
                "{uri} {value}"
            );
        }
    }

    #[test]
    fn several_are_told_once_each() {
        let both = format!("/{MODEL}?{GITHUB}");
        assert_eq!(
            found(&both, &[("a", GITHUB), ("b", MODEL)]),
            ["github", "model"]
        );
        assert_eq!(session().in_bytes(both.as_bytes()).len(), 2);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let cut = GITHUB.strip_suffix('C').unwrap();
        let close = [("authorization", "Basic !!!"), ("b", cut), ("c", "100%")];
        assert!(found("https://a/%zz?%", &close).is_empty());
        assert!(session().in_bytes(cut.as_bytes()).is_empty());
        assert_eq!(session().in_bytes(b"").capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_percent_encoding_is_seen_through(mask: u64) {
            let hidden: String = GITHUB.bytes().enumerate().map(|(at, byte)| {
                match mask >> at & 1 {
                    0 => char::from(byte).to_string(),
                    _ => format!("%{byte:02x}"),
                }
            }).collect();
            prop_assert_eq!(found(&format!("/a?b={hidden}"), &[]), ["github"]);
        }
    }
}
