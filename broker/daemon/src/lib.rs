//! valetkey-daemon
