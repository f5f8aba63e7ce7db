//! Programs that must not compile: each tries to break one promise of the typed states or of the secret
//! types, and says which in its first lines. What the compiler answers stands beside it.
//!
//! After a deliberate change, `TRYBUILD=overwrite cargo test -p valetkey-compile-fail` writes the answers
//! anew; read them before they are committed, for a program may fail for another reason than it should.
