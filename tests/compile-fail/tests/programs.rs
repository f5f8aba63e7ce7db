//! Compiles every program, and is content when none does.

#[test]
fn none_compiles() {
    trybuild::TestCases::new().compile_fail("programs/*.rs");
}

/// A program that compiles would show that the others fail for the right reason and not for a missing
/// import.
#[test]
fn the_honest_way_compiles() {
    trybuild::TestCases::new().pass("programs/honest/*.rs");
}
