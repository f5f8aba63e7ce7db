//! Leave to use the network, for a proxy that is not the broker's own.

use valetkey_codes::Code;
use valetkey_core::{
    Audience, Credential, Refusal,
    network::Target,
    request::{Ask, Wanted},
};
use valetkey_wire::agent::MayReachRequest;

/// The request for leave. What cannot be read in one way only is refused here, before anything decides.
pub(super) fn ask(request: &MayReachRequest) -> Result<Ask, Refusal> {
    let audience = Audience::parse(&request.url).ok();
    let target = audience.and_then(|audience| Target::read(&request.action, &audience));
    let target = target.ok_or_else(|| {
        Refusal::new(Code::InvalidRequest).saying(
            "`connect` is for `https://host:port`, a method in capitals for a URL with a path and without a query",
        )
    })?;
    let audience = target
        .audience()
        .map_err(|bad| Refusal::new(Code::InvalidRequest).saying(bad.to_string()))?;
    Ok(Ask {
        credential: Credential::NETWORK.to_owned(),
        scopes: vec![target.scope().to_owned()],
        audience: Some(audience.into()),
        wanted: Wanted::Use,
        ..Ask::default()
    })
}
