//! Authorization code with PKCE in the system browser (RFC 8252, RFC 7636, RFC 9700).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use valetkey_core::ports::{Entropy, LoginStart};
use zeroize::Zeroizing;

use crate::{
    callback::{Callback, Outcome},
    form::Form,
    provider::{Provider, Tokens},
    trouble::Trouble,
};

/// An authorization request whose listener is open.
pub(crate) struct CodeFlow {
    callback: Callback,
    url: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    verifier: Zeroizing<String>,
}

impl CodeFlow {
    pub(crate) async fn begin(provider: &Provider, entropy: &dyn Entropy) -> Result<Self, Trouble> {
        let metadata = provider.metadata().await?;
        let listening = Callback::listen(provider.config.redirect_port).await;
        let callback = listening.map_err(|error| {
            Trouble::Unlistenable(provider.config.redirect_port, error.to_string())
        })?;
        let redirect_uri = callback.redirect_uri();
        let (state, nonce) = (random(entropy), random(entropy));
        let verifier = Zeroizing::new(random(entropy));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(
            verifier.as_str().to_owned(),
        ));
        let scopes = provider.scopes(&metadata);
        let mut url = metadata.authorization.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &provider.config.client_id)
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("scope", &scopes)
                .append_pair("state", &state)
                .append_pair("nonce", &nonce)
                .append_pair("code_challenge", challenge.as_str())
                .append_pair("code_challenge_method", "S256");
            // OpenID Connect Core 1.0 section 11: without it, some providers drop `offline_access`
            // and say nothing.
            if scopes.split(' ').any(|scope| scope == "offline_access") {
                query.append_pair("prompt", "consent");
            }
        }
        Ok(Self {
            callback,
            url: url.into(),
            redirect_uri,
            state,
            nonce,
            verifier,
        })
    }

    pub(crate) fn start(&self) -> LoginStart {
        LoginStart::Browser {
            url: self.url.clone(),
        }
    }

    /// Waits for the browser, and gives the tokens and the nonce that their ID token must carry.
    pub(crate) async fn finish(self, provider: &Provider) -> Result<(Tokens, String), Trouble> {
        let closed = || Trouble::Internal("the listener ended without an answer");
        let answer = self.callback.answer(&self.state).await.ok_or_else(closed)?;
        let metadata = provider.metadata().await?;
        let ours = provider.config.issuer.as_str();
        match answer.issuer.as_deref() {
            Some(issuer) if issuer == ours => {}
            None if !metadata.responses_name_issuer => {}
            Some(issuer) => {
                return Err(Trouble::Unbelievable(format!(
                    "the browser came back from the issuer `{issuer}`"
                )));
            }
            None => {
                return Err(Trouble::Unbelievable(
                    "the browser came back without the `iss` that the provider promises".to_owned(),
                ));
            }
        }
        let code = match answer.outcome {
            Outcome::Code(code) => code,
            Outcome::Error { error, description } => {
                return Err(Trouble::refused(&error, description.as_deref()));
            }
        };
        let form = Form::new()
            .with("grant_type", "authorization_code")
            .with("code", &code)
            .with("redirect_uri", &self.redirect_uri)
            .with("code_verifier", &self.verifier);
        let tokens = provider.tokens(form).await?;
        Ok((tokens, self.nonce))
    }
}

/// 256 random bits, as text that fits a URL: 43 characters, the least that RFC 7636 section 4.1 takes.
fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(&mut *bytes);
    BASE64_URL_SAFE_NO_PAD.encode(*bytes)
}
