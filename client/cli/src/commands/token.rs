//! `valetkey token`: one token for one task.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
};
use valetkey_sdk::{Agent, Code, Error, Exit, Token as Issued, TokenRequest};

use super::Outcome;
use crate::{failure::Failure, lifetime, output::Output};

/// Print a short-lived token and nothing else
///
/// Asks the broker through the session's socket, VALETKEY_SOCKET. Answers or fails within 30 seconds,
/// and what `--wait` adds to that. Where an approval is needed the exit status is 4, and the refusal
/// names the question.
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
    /// Why, for the people who approve it or read the ledger; decides nothing
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Where an approval is needed, wait this long for it; Ctrl-C takes the question back
    #[arg(long, value_name = "TIME", value_parser = lifetime::parse, allow_hyphen_values = true)]
    wait: Option<Duration>,
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

/// Waits for the answer to a question. Whoever ends this meanwhile does not want it answered.
async fn wait_for(
    agent: &Agent,
    pending: Error,
    request: &TokenRequest,
    output: &Output,
) -> Result<Issued, Failure> {
    let Some(approval) = pending.approval else {
        return Ok(agent.new_token(request).await?);
    };
    let listen = |kind| {
        signal(kind).map_err(|error| Failure::local(format!("signals cannot be heard: {error}")))
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let label = format!("waits for an approval: {approval}");
    select! {
        outcome = output.waiting(&label, agent.new_token(request)) => return Ok(outcome?),
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    output.line_over();
    agent.withdraw(&approval).await?;
    let taken = format!("stopped waiting, and took question {approval} back");
    let error = Error::new(Code::ApprovalPending, taken);
    Err(error
        .with_next_step("ask again where it is still needed")
        .into())
}

impl Token {
    pub(crate) async fn run(self, output: &Output) -> Outcome {
        let wait = self.wait;
        let request = self.into_request();
        let agent = Agent::from_env().await?;
        // Asked without waiting first: only the answer names the question that is to be waited for.
        let token = match (agent.new_token(&request).await, wait) {
            (Err(error), Some(wait)) if error.code == Code::ApprovalPending => {
                wait_for(&agent, error, &request.wait(wait), output).await?
            }
            (outcome, _) => outcome?,
        };
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

    /// Without the wait.
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
