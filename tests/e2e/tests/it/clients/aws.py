"""A service of AWS as far as its signatures go: botocore says which one each request must have.

usage: aws.py SEEN CERT KEY ACCESS_KEY_ID SECRET_ACCESS_KEY
"""

import hashlib
import hmac
import json
import re
import sys

import origin
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CREDENTIALS = Credentials(sys.argv[4], sys.argv[5])


def expected(request, body, scope, signed):
    """The signature over what was signed, by the key of the scope."""
    _, day, region, service, _ = scope.split("/")
    headers = {name: request.headers[name] for name in signed}
    again = AWSRequest(request.command, f"https://{request.headers['host']}{request.path}", headers, body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    again.context["signing"] = {"disable_double_encoding": service == "s3"}
    again.context["payload_signing_enabled"] = True
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(CREDENTIALS, service, region)
    return signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)


class Handler(origin.Handler):
    def answer(self):
        body = b"".join(self.pieces())
        given = self.headers.get("authorization", "")
        parts = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", given
        )
        valid = False
        if parts:
            scope, signed, signature = parts.groups()
            wanted = expected(self, body, scope, signed.split(";"))
            said = self.headers.get("x-amz-content-sha256", "")
            whole = not re.fullmatch("[0-9a-f]{64}", said) or said == hashlib.sha256(body).hexdigest()
            valid = whole and hmac.compare_digest(wanted, signature) and scope.startswith(sys.argv[4] + "/")
        origin.note(**self.sent(), valid=valid, length=len(body))
        if not valid:
            error = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>"
            return self.reply(403, error.encode(), {"content-type": "application/xml"})
        if "x-amz-target" in self.headers:
            answer = {"TableNames": ["valid"]}
            return self.reply(200, json.dumps(answer).encode(), {"content-type": "application/x-amz-json-1.0"})
        if self.command == "GET":
            return self.reply(200, b"an object", {"content-type": "text/plain"})
        self.reply(200, b"", {"etag": '"1"'})


origin.serve(Handler)
