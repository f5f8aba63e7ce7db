//! valetkey-host
