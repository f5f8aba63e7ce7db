//! What the agent's own signature says: for which region and which service.

use http::{HeaderMap, header::AUTHORIZATION};

use crate::PlaceError;

/// Longest name of a region or a service, in bytes.
const NAME_LIMIT: usize = 64;

/// Where a signature counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) region: String,
    pub(super) service: String,
}

impl Scope {
    /// Read from the one `authorization` of
    /// `AWS4-HMAC-SHA256 Credential=id/date/region/service/aws4_request, …`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, PlaceError> {
        let mut all = headers.get_all(AUTHORIZATION).into_iter();
        let one = all.next().filter(|_| all.next().is_none());
        let text = one.and_then(|one| one.to_str().ok());
        text.and_then(Self::read).ok_or(PlaceError::NotSigned)
    }

    /// Whether the service has S3's rules for paths and payloads.
    pub(super) fn is_s3(&self) -> bool {
        matches!(
            &*self.service,
            "s3" | "s3-outposts" | "s3-object-lambda" | "s3express"
        )
    }

    /// As it is signed.
    pub(super) fn text(&self, date: &str) -> String {
        let Self { region, service } = self;
        format!("{date}/{region}/{service}/aws4_request")
    }

    fn read(text: &str) -> Option<Self> {
        let (algorithm, rest) = text.trim().split_once(' ')?;
        if algorithm != "AWS4-HMAC-SHA256" {
            return None;
        }
        let mut credentials = rest
            .split(',')
            .filter_map(|one| one.trim().strip_prefix("Credential="));
        let credential = credentials.next()?;
        // From the end: an id could hold a slash.
        let mut pieces = credential.rsplit('/');
        let (end, service, region) = (pieces.next()?, pieces.next()?, pieces.next()?);
        let (_date, _id) = (pieces.next()?, pieces.next()?);
        let fine = end == "aws4_request"
            && credentials.next().is_none()
            && [region, service].into_iter().all(is_name);
        fine.then(|| Self {
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }
}

fn is_name(text: &str) -> bool {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=NAME_LIMIT).contains(&text.len()) && text.bytes().all(fine)
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn it_is_read_from_what_an_sdk_writes() {
        for text in [
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=a/b/20150830/us-east-1/iam/aws4_request",
        ] {
            let scope = Scope::read(text).unwrap();
            assert_eq!(
                scope.text("20200101"),
                "20200101/us-east-1/iam/aws4_request"
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "Bearer x",
            "AWS4-HMAC-SHA256 SignedHeaders=host",
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/20150830/us-east-1/iam/aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/iam/aws5_request",
            "AWS4-HMAC-SHA256 Credential=20150830/us-east-1/iam/aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830//iam/aws4_request",
            "AWS4-HMAC-SHA256 Credential=AKID/20150830/us\neast/iam/aws4_request",
            "AWS4-HMAC-SHA256 Credential=A/1/r/s/aws4_request, Credential=A/1/r/t/aws4_request",
        ] {
            assert_eq!(Scope::read(text), None, "{text}");
        }
    }
}
