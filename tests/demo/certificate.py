"""Makes a certificate authority, and a certificate of it for one host.

usage: certificate.py HOST FOLDER     writes ca.pem, cert.pem and cert.key
"""

import datetime
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
NOW = datetime.datetime.utcnow()


def certificate(name, key, issuer, issuer_key, *extensions):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(hours=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the demo")])
subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
root = certificate(issuer, authority, issuer, authority, (x509.BasicConstraints(ca=True, path_length=0), True))
leaf = certificate(
    subject,
    key,
    issuer,
    authority,
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.SubjectAlternativeName([x509.DNSName(HOST)]), False),
)
(FOLDER / "ca.pem").write_bytes(pem(root))
(FOLDER / "cert.pem").write_bytes(pem(leaf))
(FOLDER / "cert.key").write_bytes(
    key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
)
