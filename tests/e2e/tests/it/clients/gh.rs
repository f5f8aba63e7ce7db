//! GitHub's own client, which believes that the placeholder is its token.

use valetkey_e2e::{CANARY, Trip};

#[test]
fn a_user_and_pull_requests_are_read() {
    let trip = Trip::to(
        "github.py",
        &[CANARY],
        r#"
[credentials.github]
source = "static"
secret = "canary"
variable = "GH_ENTERPRISE_TOKEN"
placeholder_prefix = "ghp_"
[[credentials.github.inject]]
hosts = ["HOST"]
methods = ["GET"]
paths = ["/api/v3/*"]
scope = "read"
header = "authorization"
on_placeholder = true
[[credentials.github.inject]]
hosts = ["HOST"]
methods = ["POST"]
paths = ["/api/graphql"]
scope = "read"
header = "authorization"
prefix = "token "
on_placeholder = true
"#,
    );
    let script = r#"
export GH_HOST=$HOST
gh api user
echo
gh pr list --repo $HOST/acme/app
"#;
    let said = trip.errand(script).ok();
    let (user, pulls) = said.stdout.split_once('\n').unwrap();
    assert!(user.contains("octocat"), "{said:?}");
    assert!(pulls.starts_with("7\tPad it\tpad\tOPEN\t"), "{said:?}");
    for (path, prefix) in [("/api/v3/user", "Bearer"), ("/api/graphql", "token")] {
        for seen in trip.origin.seen_at(path) {
            assert_eq!(
                seen["headers"]["authorization"],
                format!("{prefix} {CANARY}"),
                "{path}"
            );
        }
    }
}
