//! Compiles every program, and is content when none does but the honest one.

/// One test, because both halves write to the same folder.
#[test]
fn none_compiles() {
    trybuild::TestCases::new().compile_fail("programs/*.rs");
    // A program that compiles shows that the others fail for the right reason and not for a missing
    // import.
    trybuild::TestCases::new().pass("programs/honest/*.rs");
}
