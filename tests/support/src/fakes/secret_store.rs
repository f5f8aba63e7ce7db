//! A dumb fake of the port.
