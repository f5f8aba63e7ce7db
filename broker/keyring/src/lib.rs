//! valetkey-keyring
