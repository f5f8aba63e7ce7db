//! valetkey-bench
