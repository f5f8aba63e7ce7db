//! A login as a stream: what the person has to do, then who they are.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream, stream::BoxStream};
use tonic::Status;
use valetkey_codes::Code;
use valetkey_core::{
    Refusal,
    ports::{LoginMethod, LoginStart, PendingLogin},
};
use valetkey_wire::developer::{
    LoginRequest, LoginResponse,
    login_response::{Browser, Device, Step},
};

use super::{Office, view};

/// Begins a login, or joins the one under way. Dropping the stream ends neither.
pub(super) async fn begin(
    office: &Arc<Office>,
    request: &LoginRequest,
) -> Result<BoxStream<'static, Result<LoginResponse, Status>>, Refusal> {
    let account = view::account(&request.account)?;
    let method = if request.device {
        LoginMethod::Device
    } else {
        LoginMethod::Code
    };
    let logins = &office.broker.ports.logins;
    let PendingLogin { start, done } = logins.begin(&account, method).await?;
    let office = Arc::clone(office);
    let last = async move {
        let user = tokio::select! {
            biased;
            user = done => user,
            () = office.ending.beginning() => Err(Code::ShuttingDown.into()),
        };
        match user {
            Ok(user) => Ok(response(Step::Done(view::user(&user)))),
            Err(refusal) => Err(office.refuse(&refusal)),
        }
    };
    let first = Ok(response(first_step(start)));
    Ok(stream::iter([first]).chain(stream::once(last)).boxed())
}

fn response(step: Step) -> LoginResponse {
    LoginResponse { step: Some(step) }
}

fn first_step(start: LoginStart) -> Step {
    match start {
        LoginStart::Browser { url } => Step::Browser(Browser { url }),
        LoginStart::Device {
            verification_uri,
            verification_uri_complete,
            user_code,
            expires_in,
        } => Step::Device(Device {
            verification_uri,
            verification_uri_complete,
            user_code,
            expires_in,
        }),
    }
}
