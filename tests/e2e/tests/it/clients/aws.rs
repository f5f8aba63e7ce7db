//! AWS's own client, whose signatures are made anew.

use valetkey_e2e::{CANARY, Trip};

const CLIENT: &str = r#"
import io, sys
import botocore.session
from botocore.config import Config

session = botocore.session.get_session()
def client(service):
    config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return session.create_client(service, region_name="eu-west-1", endpoint_url=sys.argv[1], config=config)

print(client("dynamodb").list_tables()["TableNames"])
s3 = client("s3")
s3.put_object(Bucket="b", Key="a folder/ü+?.txt", Body=b"x" * 100000)
# Of unknown length to whoever signs: in chunks, with a checksum behind them.
s3.put_object(Bucket="b", Key="stream", Body=io.BytesIO(b"x" * 100000))
print(s3.get_object(Bucket="b", Key="a folder/ü+?.txt")["Body"].read().decode())
"#;

#[test]
fn requests_are_signed_with_the_real_key() {
    let id = "AKIAVALETKEYTEST0000";
    let trip = Trip::to(
        "aws.py",
        &[id, CANARY],
        &format!(
            r#"
[credentials.aws]
source = "static"
secret = "canary"
variable = "AWS_SECRET_ACCESS_KEY"
[[credentials.aws.inject]]
hosts = ["HOST"]
scope = "read"
sigv4 = "{id}"
"#
        ),
    );
    trip.pack("client.py", CLIENT);
    let script = format!("AWS_ACCESS_KEY_ID={id} python3 client.py $BASE");
    let said = trip.errand(&script).ok();
    assert_eq!(said.stdout, "['valid']\nan object\n", "{said:?}");
    let seen = trip.origin.seen();
    assert_eq!(seen.len(), 4);
    for one in &seen {
        assert_eq!(one["valid"], true, "{one}");
    }
    let length = |one: &serde_json::Value| one["length"].as_u64().unwrap();
    assert!(
        length(&seen[1]) >= 100_000 && length(&seen[2]) >= 100_000,
        "{seen:?}"
    );
}
