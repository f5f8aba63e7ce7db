//! What goes into a request in place of a placeholder, and must not come back.
