//! The room that an agent runs in.
