//! valetkey-oidc
