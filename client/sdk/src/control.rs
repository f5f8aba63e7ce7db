//! The owner's side: developer and admin, through the control socket.

use std::{path::Path, time::Duration};

use tokio::time::Instant;
use tonic::{Request, Response, Status, metadata::AsciiMetadataValue, transport::Channel};
use valetkey_wire::{
    admin::{self, admin_client::AdminClient},
    developer::{self as dev, developer_client::DeveloperClient},
    metadata,
};
use zeroize::Zeroizing;

use crate::{
    Code, Error, Events, channel,
    deadline::{self, within},
    socket,
};

/// The largest answer that is read: a list of every session ever recorded is long.
const ANSWER_LIMIT: usize = 64 << 20;

/// The control socket of this user's broker.
pub struct Control {
    channel: Channel,
}

impl Control {
    /// Opens `VALETKEY_CONTROL`, or `valetkey/control.sock` in `XDG_RUNTIME_DIR`; see
    /// [`Control::connect`].
    pub async fn from_env() -> Result<Self, Error> {
        Self::connect(socket::control()?).await
    }

    /// Opens the control socket at `path`, within [`deadline::CONNECT`].
    ///
    /// Secrets go through here, so the socket, its directory and the process that listens have to
    /// be this user's, and the directory open to nobody else.
    ///
    /// Needs a tokio runtime with I/O and time.
    pub async fn connect(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        socket::check_owned(path)?;
        let channel = channel::open(path, socket::check_peer)
            .await
            .map_err(|error| match error.code {
                // The table's own next step speaks of sessions as well.
                Code::BrokerUnreachable => error.with_next_step(socket::START),
                _ => error,
            })?;
        Ok(Self { channel })
    }

    /// What a developer may do.
    pub fn developer(&self) -> Developer {
        let client = DeveloperClient::new(self.channel.clone());
        Developer(client.max_decoding_message_size(ANSWER_LIMIT))
    }

    /// Live sessions of every account and, with `recent`, that many of those that are over; with
    /// the authority of `account`.
    pub async fn sessions(
        &self,
        account: &str,
        recent: Option<u32>,
    ) -> Result<Vec<admin::Session>, Error> {
        let request = as_account(account, admin::ListSessionsRequest { recent })?;
        within(deadline::CONTROL, async {
            Ok(self.admin().list_sessions(request).await?.into_inner())
        })
        .await
        .map(|reply| reply.sessions)
    }

    /// Takes sessions back, with the authority of `account`. Every local path of theirs refuses
    /// when this returns.
    ///
    /// Not undone by dropping it: the broker goes on.
    pub async fn revoke(
        &self,
        account: &str,
        target: admin::revoke_request::Target,
        reason: &str,
    ) -> Result<admin::RevokeResponse, Error> {
        let request = as_account(
            account,
            admin::RevokeRequest {
                target: Some(target),
                reason: reason.to_owned(),
            },
        )?;
        within(deadline::CONTROL, async {
            Ok(self.admin().revoke(request).await?.into_inner())
        })
        .await
    }

    /// Locks the machine with the authority of `account`: every session refuses when this returns, and
    /// its owner cannot lift it.
    pub async fn lock(&self, account: &str, reason: &str) -> Result<(), Error> {
        let reason = reason.to_owned();
        let request = as_account(account, admin::LockRequest { reason })?;
        within(deadline::CONTROL, async {
            Ok(self.admin().lock(request).await?.into_inner())
        })
        .await
        .map(|_locked| ())
    }

    /// Lifts the admins' lock with the authority of `account`; the owner's stays.
    pub async fn unlock(&self, account: &str) -> Result<(), Error> {
        let request = as_account(account, admin::UnlockRequest {})?;
        within(deadline::CONTROL, async {
            Ok(self.admin().unlock(request).await?.into_inner())
        })
        .await
        .map(|_lifted| ())
    }

    fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT)
    }
}

/// What a developer may do. A call takes at most [`deadline::CONTROL`] unless it says otherwise.
#[derive(Clone)]
pub struct Developer(pub(crate) DeveloperClient<Channel>);

impl Developer {
    /// Signs in. The first answer says what the person has to do, the last one who they are; all
    /// within [`deadline::LOGIN`].
    pub async fn login(
        &self,
        account: &str,
        device: bool,
    ) -> Result<Events<dev::LoginResponse>, Error> {
        let end = Instant::now() + deadline::LOGIN;
        let request = dev::LoginRequest {
            account: account.to_owned(),
            device,
        };
        within(deadline::CONTROL, async {
            let stream = self.0.clone().login(request).await?.into_inner();
            Ok(Events::new(stream, Some(end)))
        })
        .await
    }

    /// Signs out; tells why the provider did not confirm, where it did not.
    pub async fn logout(&self, account: &str) -> Result<Option<String>, Error> {
        let request = dev::LogoutRequest {
            account: account.to_owned(),
        };
        self.call(request, async |mut client, wire| client.logout(wire).await)
            .await
            .map(|reply| reply.provider_problem)
    }

    /// Who is logged in.
    pub async fn status(&self) -> Result<dev::StatusResponse, Error> {
        let request = dev::StatusRequest {};
        self.call(request, async |mut client, wire| client.status(wire).await)
            .await
    }

    /// What is well and what is not.
    pub async fn doctor(&self) -> Result<Vec<dev::Finding>, Error> {
        let request = dev::DoctorRequest {};
        self.call(request, async |mut client, wire| client.doctor(wire).await)
            .await
            .map(|reply| reply.findings)
    }

    /// Stores a secret in the keyring, in the place of one of that name.
    ///
    /// `value` is wiped when this is dropped; the copies that gRPC makes to send it are not.
    pub async fn put_secret(
        &self,
        name: &str,
        value: Zeroizing<Vec<u8>>,
    ) -> Result<dev::PutSecretResponse, Error> {
        let request = dev::PutSecretRequest {
            name: name.to_owned(),
            value: value.to_vec(),
        };
        self.call(request, async |mut client, wire| {
            client.put_secret(wire).await
        })
        .await
    }

    /// The names of the secrets in the keyring, and which store it is.
    pub async fn secrets(&self) -> Result<dev::ListSecretsResponse, Error> {
        let request = dev::ListSecretsRequest {};
        self.call(request, async |mut client, wire| {
            client.list_secrets(wire).await
        })
        .await
    }

    /// Removes a secret from the keyring.
    pub async fn remove_secret(&self, name: &str) -> Result<(), Error> {
        let request = dev::RemoveSecretRequest {
            name: name.to_owned(),
        };
        self.call(request, async |mut client, wire| {
            client.remove_secret(wire).await
        })
        .await
        .map(|_removed| ())
    }

    /// Starts a session for a sandbox, which [`crate::hand_over`] is told of once it is there.
    pub async fn start_session_in_room(
        &self,
        request: dev::StartSessionRequest,
    ) -> Result<(dev::Session, dev::Room), Error> {
        let reply = self
            .call(request, async |mut client, wire| {
                client.start_session(wire).await
            })
            .await?;
        reply.session.zip(reply.room).ok_or_else(incomplete)
    }

    /// Starts a session.
    pub async fn start_session(
        &self,
        request: dev::StartSessionRequest,
    ) -> Result<dev::Session, Error> {
        let reply = self
            .call(request, async |mut client, wire| {
                client.start_session(wire).await
            })
            .await?;
        reply.session.ok_or_else(incomplete)
    }

    /// Live sessions and, with `recent`, that many of those that are over.
    pub async fn sessions(&self, recent: Option<u32>) -> Result<Vec<dev::Session>, Error> {
        let request = dev::ListSessionsRequest { recent };
        self.call(request, async |mut client, wire| {
            client.list_sessions(wire).await
        })
        .await
        .map(|reply| reply.sessions)
    }

    /// One session and its tokens that have not ended.
    pub async fn session(&self, id: &str) -> Result<(dev::Session, Vec<dev::Lease>), Error> {
        let request = dev::GetSessionRequest { id: id.to_owned() };
        let reply = self
            .call(request, async |mut client, wire| {
                client.get_session(wire).await
            })
            .await?;
        Ok((reply.session.ok_or_else(incomplete)?, reply.leases))
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<dev::Session, Error> {
        let request = dev::EndSessionRequest { id: id.to_owned() };
        let reply = self
            .call(request, async |mut client, wire| {
                client.end_session(wire).await
            })
            .await?;
        reply.session.ok_or_else(incomplete)
    }

    /// Records of the ledger, oldest first. With `follow` the stream has no end and no deadline.
    pub async fn tail_audit(
        &self,
        request: dev::TailAuditRequest,
    ) -> Result<Events<dev::TailAuditResponse>, Error> {
        let end = (!request.follow).then(|| Instant::now() + deadline::CONTROL);
        within(deadline::CONTROL, async {
            let stream = self.0.clone().tail_audit(request).await?.into_inner();
            Ok(Events::new(stream, end))
        })
        .await
    }

    /// Walks the whole ledger, within [`deadline::VERIFY`].
    pub async fn verify_audit(&self) -> Result<dev::VerifyAuditResponse, Error> {
        within(deadline::VERIFY, async {
            let request = dev::VerifyAuditRequest {};
            Ok(self.0.clone().verify_audit(request).await?.into_inner())
        })
        .await
    }

    /// Reads the policy files again.
    pub async fn reload_policies(&self) -> Result<dev::ReloadPoliciesResponse, Error> {
        let request = dev::ReloadPoliciesRequest {};
        self.call(request, async |mut client, wire| {
            client.reload_policies(wire).await
        })
        .await
    }

    /// The keys that the broker's own tokens are signed with.
    pub async fn keys(&self) -> Result<Vec<dev::Key>, Error> {
        let request = dev::ListKeysRequest {};
        self.call(request, async |mut client, wire| {
            client.list_keys(wire).await
        })
        .await
        .map(|reply| reply.keys)
    }

    /// Makes new signing keys and returns them.
    pub async fn rotate_keys(&self) -> Result<Vec<dev::Key>, Error> {
        let request = dev::RotateKeysRequest {};
        self.call(request, async |mut client, wire| {
            client.rotate_keys(wire).await
        })
        .await
        .map(|reply| reply.keys)
    }

    pub(crate) async fn call<Q, R>(
        &self,
        request: Q,
        call: impl AsyncFnOnce(DeveloperClient<Channel>, Request<Q>) -> Result<Response<R>, Status>,
    ) -> Result<R, Error> {
        self.call_for(deadline::CONTROL, request, call).await
    }

    /// The same with a deadline of its own.
    pub(crate) async fn call_for<Q, R>(
        &self,
        limit: Duration,
        request: Q,
        call: impl AsyncFnOnce(DeveloperClient<Channel>, Request<Q>) -> Result<Response<R>, Status>,
    ) -> Result<R, Error> {
        let mut request = Request::new(request);
        request.set_timeout(limit);
        within(limit, async {
            Ok(call(self.0.clone(), request).await?.into_inner())
        })
        .await
    }
}

/// An admin call names the account whose groups carry its authority.
fn as_account<Q>(account: &str, request: Q) -> Result<Request<Q>, Error> {
    let value = AsciiMetadataValue::try_from(account)
        .map_err(|_| Error::new(Code::InvalidRequest, "that is not an account's name"))?;
    let mut request = Request::new(request);
    request.metadata_mut().insert(metadata::ACCOUNT, value);
    Ok(request)
}

pub(crate) fn incomplete() -> Error {
    Error::new(Code::Internal, "the broker's answer is not whole")
}
