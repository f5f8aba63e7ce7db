//! AWS's own clients, whose signatures are made anew.

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

const ID: &str = "AKIAVALETKEYTEST0000";

fn trip() -> Trip {
    Trip::to(
        "aws.py",
        &[ID, CANARY],
        &format!(
            r#"
[credentials.aws]
source = "static"
secret = "canary"
variable = "AWS_SECRET_ACCESS_KEY"
[[credentials.aws.inject]]
hosts = ["HOST"]
scope = "read"
sigv4 = "{ID}"
"#
        ),
    )
}

/// Every request came with the signature that the real key makes. How long their bodies were.
fn lengths(trip: &Trip) -> Vec<u64> {
    let seen = trip.origin.seen();
    assert!(seen.iter().all(|one| one["valid"] == true), "{seen:?}");
    let lengths = seen.iter().filter_map(|one| one["length"].as_u64());
    lengths.collect()
}

#[test]
fn requests_are_signed_with_the_real_key() {
    let trip = trip();
    trip.pack("client.py", CLIENT);
    let script = format!("AWS_ACCESS_KEY_ID={ID} python3 client.py $BASE");
    let said = trip.errand(&script).ok();
    assert_eq!(said.stdout, "['valid']\nan object\n", "{said:?}");
    let lengths = lengths(&trip);
    assert_eq!(lengths.len(), 4);
    assert!(
        lengths[1] >= 100_000 && lengths[2] >= 100_000,
        "{lengths:?}"
    );
}

#[test]
fn the_command_line_works() {
    let trip = trip();
    let script = format!(
        r#"
export AWS_ACCESS_KEY_ID={ID} AWS_ENDPOINT_URL=$BASE AWS_DEFAULT_REGION=eu-west-1
aws configure set default.s3.addressing_style path
aws dynamodb list-tables --query 'TableNames[0]' --output text
head -c 100000 /dev/zero | aws s3 cp - 's3://b/a folder/ü'
aws s3api get-object --bucket b --key 'a folder/ü' object >object.json
cat object
"#
    );
    let said = trip.errand(&script).ok();
    assert_eq!(said.stdout, "valid\nan object", "{said:?}");
    let lengths = lengths(&trip);
    assert_eq!(lengths.len(), 3);
    assert!(lengths[1] >= 100_000, "{lengths:?}");
}
