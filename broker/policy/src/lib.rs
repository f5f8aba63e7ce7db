//! The policy engine: Cedar behind the core's `Policy` and `PolicyLab` ports.
//!
//! `policies/README.md` tells authors how to write policies; this crate reads them, checks them against
//! the schema, and answers. The way of a decision: [`CedarPolicies`] gives it to the `rules` in force,
//! which turn the question into Cedar's words (`facts`), pick the policies that can apply (`slices`), and
//! ask them about every scope by itself, from the least friction to the most. The way of a file: `files`
//! reads what can be trusted, `parse` names and validates it. The `lab` asks the same rules what nobody
//! has asked, to explain an answer, to run tables of cases and to find rules that do nothing.

mod engine;
mod facts;
mod files;
#[cfg(test)]
mod generated;
mod lab;
mod parse;
mod rules;
mod slices;
mod words;

pub use engine::CedarPolicies;

/// The words that policies are written in, in Cedar's schema language.
pub const SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

/// The policies that are in force where no folder is configured: file name and text.
pub const BASELINE: &[(&str, &str)] = &[
    (
        "10-read.cedar",
        include_str!("../../../policies/baseline/10-read.cedar"),
    ),
    (
        "20-write.cedar",
        include_str!("../../../policies/baseline/20-write.cedar"),
    ),
    (
        "30-people.cedar",
        include_str!("../../../policies/baseline/30-people.cedar"),
    ),
    (
        "40-approvers.cedar",
        include_str!("../../../policies/baseline/40-approvers.cedar"),
    ),
    (
        "50-network.cedar",
        include_str!("../../../policies/baseline/50-network.cedar"),
    ),
    (
        "90-never.cedar",
        include_str!("../../../policies/baseline/90-never.cedar"),
    ),
];
