//! Real clients in sandboxes: the value is put into their requests on the way, the host gets it, and they
//! never do, not even where the host sends it back.

mod aws;
mod curl;
mod git;
mod grpc;
mod node;
mod places;
mod python;
mod registries;
mod websocket;
