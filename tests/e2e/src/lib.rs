//! valetkey-e2e
