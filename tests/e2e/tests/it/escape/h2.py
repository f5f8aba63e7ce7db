"""As much of HTTP/2 as an attempt needs: one request, nothing compressed (RFC 9113, RFC 7541)."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, GOAWAY = 0, 1, 4, 7


def frame(kind, flags, stream, payload):
    """RFC 9113 section 4.1."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name, value):
    """RFC 7541 section 6.2.2, nothing indexed."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def request(headers, body=b""):
    """A connection's first bytes, and a request on its first stream."""
    block = b"".join(literal(*header) for header in headers)
    return PREFACE + frame(SETTINGS, 0, 0, b"") + frame(HEADERS, 4, 1, block) + frame(DATA, 1, 1, body)


def frames(connection):
    """Those that come until the other side hangs up."""
    kept = b""
    while True:
        while len(kept) >= 9 and len(kept) >= 9 + int.from_bytes(kept[:3], "big"):
            end = 9 + int.from_bytes(kept[:3], "big")
            yield kept[3], kept[4], kept[9:end]
            kept = kept[end:]
        read = connection.recv(65536)
        if not read:
            return
        kept += read


def answer(connection):
    """All that came as data until the first stream ended, or `None` where it was reset."""
    data = b""
    for kind, flags, payload in frames(connection):
        if kind == SETTINGS and not flags & 1:
            connection.sendall(frame(SETTINGS, 1, 0, b""))
        if kind == DATA:
            data += payload
        if kind in (DATA, HEADERS) and flags & 1:
            return data
        if kind in (3, GOAWAY):
            return None
    return None
