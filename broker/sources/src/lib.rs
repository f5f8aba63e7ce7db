//! valetkey-sources
