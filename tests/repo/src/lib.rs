//! valetkey-repo
