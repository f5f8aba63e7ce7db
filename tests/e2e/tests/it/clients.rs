//! Real clients in sandboxes: the value is put into their requests on the way, the host gets it, and they
//! never do, not even where the host sends it back.

#![expect(clippy::indexing_slicing, reason = "what fails here fails a test")]

mod aws;
mod curl;
mod gh;
mod git;
mod grpc;
mod java;
mod node;
mod places;
mod python;
mod registries;
mod search;
mod websocket;
