"""The registries of npm, of Python and of Rust, each with one package, for whoever has the token.

usage: registry.py SEEN CERT KEY TOKEN
"""

import base64
import hashlib
import io
import json
import sys
import tarfile
import zipfile

import origin

TOKEN = sys.argv[4]


def tarball(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def wheel():
    files = {
        "acme_pad.py": "PADDED = 'padded'\n",
        "acme_pad-1.2.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-pad\nVersion: 1.2.3\n",
        "acme_pad-1.2.3.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "acme_pad-1.2.3.dist-info/RECORD"
    listed = "".join(f"{name},,\n" for name in [*files, record])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in {**files, record: listed}.items():
            archive.writestr(name, text)
    return out.getvalue()


TARBALL = tarball({
    "package/package.json": json.dumps({"name": "@acme/pad", "version": "1.2.3", "main": "index.js"}),
    "package/index.js": "module.exports = 'padded'\n",
})
CRATE = tarball({
    "acme-pad-1.2.3/Cargo.toml": '[package]\nname = "acme-pad"\nversion = "1.2.3"\n',
    "acme-pad-1.2.3/src/lib.rs": "padded\n",
})
WHEEL = wheel()
WHEEL_NAME = "acme_pad-1.2.3-py3-none-any.whl"


class Handler(origin.Handler):
    def answer(self):
        origin.note(**self.sent())
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.reply(401, {"error": "no token"})
        here = f"https://{self.headers['host']}"
        path = self.path.replace("%2f", "/").replace("%2F", "/")
        if path == "/npm/@acme/pad":
            integrity = base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()
            dist = {"tarball": f"{here}/npm/pad-1.2.3.tgz", "integrity": f"sha512-{integrity}"}
            version = {"name": "@acme/pad", "version": "1.2.3", "dist": dist}
            tags = {"latest": "1.2.3"}
            return self.reply(200, {"name": "@acme/pad", "dist-tags": tags, "versions": {"1.2.3": version}})
        if path == "/npm/pad-1.2.3.tgz":
            return self.reply(200, TARBALL, {"content-type": "application/octet-stream"})
        if path == "/simple/acme-pad/":
            digest = hashlib.sha256(WHEEL).hexdigest()
            link = f'<!DOCTYPE html><a href="/wheels/{WHEEL_NAME}#sha256={digest}">{WHEEL_NAME}</a>'
            return self.reply(200, link.encode(), {"content-type": "text/html"})
        if path == f"/wheels/{WHEEL_NAME}":
            return self.reply(200, WHEEL, {"content-type": "application/zip"})
        if path == "/cargo/config.json":
            return self.reply(200, {"dl": f"{here}/crates"})
        if path == "/cargo/ac/me/acme-pad":
            digest = hashlib.sha256(CRATE).hexdigest()
            return self.reply(200, {"name": "acme-pad", "vers": "1.2.3", "deps": [], "features": {}, "cksum": digest, "yanked": False})
        if path == "/crates/acme-pad/1.2.3/download":
            return self.reply(200, CRATE, {"content-type": "application/octet-stream"})
        self.reply(404, {"error": "not found"})


origin.serve(Handler)
