//! valetkey-store
