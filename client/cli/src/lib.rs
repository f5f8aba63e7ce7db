//! valetkey-cli
