//! valetkey-sdk
