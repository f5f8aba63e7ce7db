//! Contract of the port, one function per promise.
