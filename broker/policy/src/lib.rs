//! valetkey-policy
