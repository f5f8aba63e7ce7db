//! The egress proxy.

mod gate;
