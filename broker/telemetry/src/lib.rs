//! The ledger, told elsewhere while it grows.
