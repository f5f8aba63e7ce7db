//! A login, from its begin until the keyring has the refresh token and the sessions know.

use std::sync::Arc;

use tokio::{sync::watch, time};
use valetkey_core::{
    AccountName, User,
    ports::{LoginMethod, LoginRecord, LoginStart, PendingLogin},
};
use valetkey_secret::RefreshToken;

use crate::{
    code_flow::CodeFlow,
    device_flow::DeviceFlow,
    engine::Engine,
    flight::Flight,
    provider::Tokens,
    trouble::Trouble,
    verify::{self, Answers, Verified},
};

/// A login that waits for its person.
pub(crate) struct UnderWay {
    method: LoginMethod,
    start: LoginStart,
    flight: Flight<Result<User, Trouble>>,
    abandoned: watch::Sender<Option<&'static str>>,
}

impl UnderWay {
    /// Stops it, unless the provider has granted it already.
    pub(crate) fn abandon(&self, why: &'static str) {
        self.abandoned.send_replace(Some(why));
    }

    fn pending(&self) -> PendingLogin {
        let flight = self.flight.clone();
        PendingLogin {
            start: self.start.clone(),
            done: Box::pin(async move {
                let died = Err(Trouble::Internal("a login died"));
                let outcome = flight.outcome().await.unwrap_or(died);
                outcome.map_err(|trouble| trouble.refusal())
            }),
        }
    }
}

/// A request whose person has not answered.
enum Request {
    Code(CodeFlow),
    Device(DeviceFlow),
}

/// A login that the provider granted and that is verified, but nowhere stored.
struct Granted {
    refresh: RefreshToken,
    verified: Verified,
}

impl Engine {
    /// Begins a login or joins the one under way by the same method; one by the other method is
    /// abandoned, because its person has asked for another way.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        account: &AccountName,
        method: LoginMethod,
    ) -> Result<PendingLogin, Trouble> {
        let lane = self.lane(account);
        let mut slot = lane.login.lock().await;
        if let Some(under_way) =
            slot.take_if(|login| login.flight.has_landed() || login.method != method)
        {
            under_way.abandon("the login was begun again in another way");
        }
        if let Some(under_way) = &*slot {
            return Ok(under_way.pending());
        }
        let request = match self.request(method).await {
            Ok(request) => request,
            Err(trouble) => {
                self.journal.refused(account, &trouble).await;
                return Err(trouble);
            }
        };
        let start = request.start();
        let (abandoned, stop) = watch::channel(None);
        let (engine, name) = (Arc::clone(self), account.clone());
        let flight = Flight::launch(async move {
            let outcome = engine.log_in(&name, method, request, stop).await;
            if let Err(trouble) = &outcome {
                engine.journal.refused(&name, trouble).await;
            }
            outcome
        });
        let under_way = slot.insert(UnderWay {
            method,
            start,
            flight,
            abandoned,
        });
        Ok(under_way.pending())
    }

    async fn request(&self, method: LoginMethod) -> Result<Request, Trouble> {
        Ok(match method {
            LoginMethod::Code => {
                Request::Code(CodeFlow::begin(&self.provider, &*self.entropy).await?)
            }
            LoginMethod::Device => Request::Device(DeviceFlow::begin(&self.provider).await?),
        })
    }

    async fn log_in(
        &self,
        account: &AccountName,
        method: LoginMethod,
        request: Request,
        mut stop: watch::Receiver<Option<&'static str>>,
    ) -> Result<User, Trouble> {
        let bound = request.bound(self.provider.config.login_timeout());
        let (tokens, nonce) = tokio::select! {
            answered = time::timeout(bound, self.answered(request)) => answered.map_err(|_| {
                Trouble::Abandoned(format!("the login was not finished within {} s", bound.as_secs()))
            })??,
            Ok(why) = stop.wait_for(Option::is_some) => {
                let why = why.unwrap_or("the login was stopped");
                return Err(Trouble::Abandoned(why.to_owned()));
            }
        };
        let granted = self.accept(tokens, nonce.as_deref()).await?;
        self.keep(account, method, granted).await
    }

    async fn answered(&self, request: Request) -> Result<(Tokens, Option<String>), Trouble> {
        match request {
            Request::Code(flow) => {
                let (tokens, nonce) = flow.finish(&self.provider).await?;
                Ok((tokens, Some(nonce)))
            }
            Request::Device(flow) => Ok((flow.finish(&self.provider).await?, None)),
        }
    }

    /// Believes the tokens, or gives the refresh token back.
    async fn accept(&self, mut tokens: Tokens, nonce: Option<&str>) -> Result<Granted, Trouble> {
        let refresh = tokens.refresh.take();
        let answers = nonce.map_or(Answers::Device, Answers::Request);
        match (verify::verify(&self.provider, &tokens, answers).await, refresh) {
            (Ok(verified), Some(refresh)) => Ok(Granted { refresh, verified }),
            (Ok(_), None) => Err(Trouble::Unbelievable(
                "it has no refresh token; the client must be allowed the scope `offline_access`, and `provider.scopes` must ask for it"
                    .to_owned(),
            )),
            (Err(trouble), refresh) => {
                if let Some(refresh) = refresh {
                    self.give_back(&refresh).await;
                }
                Err(trouble)
            }
        }
    }

    /// Keyring first, then book and ledger, then everybody who waits.
    async fn keep(
        &self,
        account: &AccountName,
        method: LoginMethod,
        granted: Granted,
    ) -> Result<User, Trouble> {
        let lane = self.lane(account);
        let mut vault = lane.vault.lock().await;
        let earlier = self.accounts.record(account);
        let user = granted.verified.user;
        let record = LoginRecord {
            account: account.clone(),
            user: user.clone(),
            confirmed: self.now().unix_seconds(),
            expires: granted.verified.expires,
            dead: None,
        };
        // What is there is put back where the new login cannot be kept.
        let replaced = match &earlier {
            Some(_) => vault.take_out_last().await.ok(),
            None => None,
        };
        let token = Copied::of(&granted.refresh);
        if let Err(error) = vault.put(granted.refresh).await {
            self.give_back(&token.0).await;
            return Err(error.into());
        }
        let method = match method {
            LoginMethod::Code => "code",
            LoginMethod::Device => "device",
        };
        if let Err(trouble) = self.journal.logged_in(record.clone(), method).await {
            let undone = match replaced {
                Some(replaced) => vault.put_rotated(replaced).await,
                None => vault.wipe().await,
            };
            if let Err(error) = undone {
                tracing::error!(%account, "the keyring keeps a token of a login that failed: {error}");
            }
            self.give_back(&token.0).await;
            return Err(trouble);
        }
        if earlier.is_some_and(|earlier| earlier.user.id != user.id) {
            // Sessions that were lent the other person's authority do not go on under this one's.
            self.ended(account, "another user logged in").await;
            if let Some(replaced) = replaced {
                self.give_back(&replaced).await;
            }
        }
        self.confirm(record).await;
        Ok(user)
    }

    /// Revokes a refresh token that nobody will use. Not of the same user's earlier login: there are
    /// providers that end the new one with it.
    async fn give_back(&self, token: &RefreshToken) {
        if let Err(trouble) = self.provider.revoke(token).await {
            tracing::warn!(
                "an unused refresh token was not revoked: {}",
                trouble.sentence()
            );
        }
    }
}

impl Request {
    fn start(&self) -> LoginStart {
        match self {
            Self::Code(flow) => flow.start(),
            Self::Device(flow) => flow.start(),
        }
    }

    /// A device code has a life of its own.
    fn bound(&self, limit: time::Duration) -> time::Duration {
        match self.start() {
            LoginStart::Browser { .. } => limit,
            LoginStart::Device { expires_in, .. } => {
                limit.min(time::Duration::from_secs(expires_in))
            }
        }
    }
}

/// The token once more, to give it back where the keyring does not take it.
struct Copied(RefreshToken);

impl Copied {
    fn of(token: &RefreshToken) -> Self {
        use valetkey_secret::Destination::UpstreamRequest;
        token.disclose(UpstreamRequest, |bytes| {
            Self(RefreshToken::new(zeroize::Zeroizing::new(bytes.to_vec())))
        })
    }
}
