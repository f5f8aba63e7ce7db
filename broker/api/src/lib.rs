//! valetkey-api
