//! `docs/errors.md`, which is the error table for people.

use std::fmt::Write as _;

use valetkey_codes::{Code, Exit};

/// Where it is.
pub const FILE: &str = "docs/errors.md";

const HEAD: &str = "\
# Errors

Written from the table in `proto/codes`: after a change there,
`UPDATE=1 cargo test -p valetkey-repo errors` writes this file anew.

Every answer that is not what was asked for has one of these codes. Programs compare the code; the
sentence and the next step are for people and may change. The agent learns *that* it was refused; *why*
stands in the ledger under the request's id.

- **retry**: `never`, the same request gets the same answer; `after_next_step`, once that was done;
  `backoff`, by itself, after a pause that doubles each time.
- **OAuth**: the `error` of RFC 6749 section 5.2, at `POST /oauth2/token`.
- **exit**: of the `valetkey` command.

";

/// The whole document.
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(
        text,
        "| code | gRPC | HTTP | OAuth | exit | retry | what it says | what to do |"
    );
    let _ = writeln!(text, "|---|---|---|---|---|---|---|---|");
    for code in Code::ALL {
        let row = code.row();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | `{}` | {} | `{}` | {} | {} |",
            row.id,
            grpc(&format!("{:?}", row.grpc)),
            row.http,
            row.oauth,
            row.exit as u8,
            row.retry.id(),
            cell(row.text),
            cell(row.next_step)
        );
    }
    let _ = writeln!(
        text,
        "\n## Exit statuses\n\n| status | meaning |\n|---|---|"
    );
    for (exit, meaning) in EXITS {
        let _ = writeln!(text, "| {} | {meaning} |", *exit as u8);
    }
    text
}

const EXITS: &[(Exit, &str)] = &[
    (Exit::Ok, "it was done"),
    (Exit::Failure, "a failure of ours"),
    (Exit::Usage, "the request itself is wrong"),
    (
        Exit::Denied,
        "refused by policy, by a revocation or by who is asking",
    ),
    (
        Exit::Approval,
        "an approval is needed, was refused or ran out",
    ),
    (
        Exit::Login,
        "not logged in, or the keyring does not give what was stored",
    ),
    (Exit::Upstream, "a server that the broker depends on failed"),
    (Exit::Unreachable, "the broker cannot be reached"),
];

/// `InvalidArgument` as gRPC's own documents spell it.
fn grpc(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Text in a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
