//! The wire: generated from `proto/`, one package per audience, and the metadata keys beside it.

/// What agents say, on a session's own socket.
pub mod agent {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    tonic::include_proto!("valetkey.agent.v1");
}

/// What developers say, on the control socket.
pub mod developer {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    tonic::include_proto!("valetkey.developer.v1");
}

/// What admins say.
pub mod admin {
    #![expect(
        missing_docs,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code"
    )]
    tonic::include_proto!("valetkey.admin.v1");
}

/// Keys of gRPC metadata.
pub mod metadata {
    /// On a refusal: the text id of the code.
    pub const CODE: &str = "valetkey-code";
    /// On a refusal: what to do next.
    pub const NEXT_STEP: &str = "valetkey-next-step";
    /// On a refusal: the request's id in the ledger.
    pub const REQUEST: &str = "valetkey-request";
    /// On a refusal: the approval that it is about.
    pub const APPROVAL: &str = "valetkey-approval";
    /// On an admin call: the account whose groups carry the authority.
    pub const ACCOUNT: &str = "valetkey-account";
}

/// The encoded `FileDescriptorSet` of every package, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
