//! `valetkey token`: one token for one task.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use valetkey_sdk::{Agent, Exit, TokenRequest};

use super::Outcome;
use crate::{lifetime, output::Output};

/// Print a short-lived token and nothing else
///
/// Asks the broker through the session's socket, VALETKEY_SOCKET. Answers or fails within 30 seconds.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: curl -H \"Authorization: Bearer $(valetkey token demo-api --scope api:read)\" ..."
)]
pub(crate) struct Token {
    /// Name of the credential, as `valetkey grants` shows it
    credential: String,
    /// What it is for; may be given several times
    #[arg(long = "scope", short, value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Who it is for, where the credential has several audiences
    #[arg(long)]
    audience: Option<String>,
    /// How long it is to live: 90s, 10m, 1h; the broker may give less
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    ttl: Option<Duration>,
    /// Fail rather than print one that lives shorter than this
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    min_validity: Option<Duration>,
    /// Why, for the people who read the ledger; decides nothing
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The answer in the words of RFC 6749 section 5.1, and the lease beside it.
#[derive(Serialize)]
struct View<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    expires_at: u64,
    scopes: &'a [String],
    audience: &'a str,
    lease_id: &'a str,
}

impl Token {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let request = self.into_request();
        let token = Agent::from_env().await?.new_token(&request).await?;
        let view = View {
            access_token: token.value().reveal(),
            token_type: "Bearer",
            expires_in: token.expires_in,
            expires_at: token.expires_at,
            scopes: &token.scopes,
            audience: &token.audience,
            lease_id: &token.lease,
        };
        output.token(&token, &view)?;
        Ok(Exit::Ok)
    }

    fn into_request(self) -> TokenRequest {
        let mut request = TokenRequest::new(self.credential);
        // A scope has no space in it, so a list with spaces is several (RFC 6749 section 3.3).
        for scope in self.scopes.iter().flat_map(|scopes| scopes.split(' ')) {
            if !scope.is_empty() {
                request = request.scope(scope);
            }
        }
        if let Some(audience) = self.audience {
            request = request.audience(audience);
        }
        if let Some(ttl) = self.ttl {
            request = request.lifetime(ttl);
        }
        if let Some(left) = self.min_validity {
            request = request.min_validity(left);
        }
        if let Some(reason) = self.reason {
            request = request.reason(reason);
        }
        request
    }
}
