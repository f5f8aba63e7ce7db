//! valetkey-compile-fail
