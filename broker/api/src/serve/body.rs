//! A request's body, within its bound.

use http::Request;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use valetkey_codes::Code;
use valetkey_core::Refusal;

/// The body of `request`, of at most `limit` bytes. One that announces more is refused unread.
pub(crate) async fn read(request: Request<Incoming>, limit: usize) -> Result<Bytes, Refusal> {
    let body = request.into_body();
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(Code::RequestTooLarge.into());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::RequestTooLarge.into()),
        Err(_) => Err(Refusal::new(Code::InvalidRequest).saying("the body did not arrive whole")),
    }
}
