//! The policy engine: Cedar behind the core's `Policy` port.
//!
//! `policies/README.md` tells authors how to write policies; this crate reads them, checks them against
//! the schema, and answers. The way of a decision: [`CedarPolicies`] turns the question into Cedar's
//! words (`facts`), picks the policies that can apply (`slices`), and asks them about every scope by
//! itself. The way of a file: `files` reads what can be trusted, `parse` names and validates it.

mod engine;
mod facts;
mod files;
mod parse;
mod slices;

pub use engine::CedarPolicies;

/// The words that policies are written in, in Cedar's schema language.
pub const SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

/// The policies that are in force where no folder is configured: file name and text.
pub const BASELINE: &[(&str, &str)] = &[
    (
        "10-developers.cedar",
        include_str!("../../../policies/baseline/10-developers.cedar"),
    ),
    (
        "90-never.cedar",
        include_str!("../../../policies/baseline/90-never.cedar"),
    ),
];
