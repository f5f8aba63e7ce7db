"""Furnishes namespaces that were made for this, in which this process is root: whoever is to be seen reached
without a guard answers here, and what is protected by mounts is mounted."""

import subprocess
import socket
import struct
import threading

from harness import call, facts
from kernel import text
from network import FAR, FAR6, METADATA, NEIGHBOURS


def furnish():
    path = facts.workspace + "/.git/config"
    call("mount", text(path), text(path), None, 4096, None)
    call("mount", None, text(path), None, 1 | 32 | 4096, None)
    ip("link", "set", "lo", "up")
    with open("/proc/sys/net/ipv4/ping_group_range", "w") as setting:
        setting.write("0 0")
    with open("/etc/resolv.conf") as file:
        words = [line.split() for line in file]
    resolvers = [word[1] for word in words if word[:1] == ["nameserver"]] or ["127.0.0.1"]
    for address in {FAR, METADATA, *NEIGHBOURS, *resolvers} - {"127.0.0.1", "127.0.0.53", "::1"}:
        ip("address", "add", address + ("/128" if ":" in address else "/32"), "dev", "lo")
    ip("address", "add", FAR6 + "/128", "dev", "lo", "nodad")
    ip("route", "add", "192.0.2.0/24", "dev", "lo")
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        listener = socket.socket(family)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, 80))
        listener.listen(16)
        threading.Thread(target=greet, args=(listener,), daemon=True).start()
        names = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            names.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        names.bind((address, 53))
        threading.Thread(target=resolve, args=(names,), daemon=True).start()


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def greet(listener):
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello from far")
        connection.close()


def resolve(names):
    """Every name is at 192.0.2.1. RFC 1035 section 4.1."""
    while True:
        question, asker = names.recvfrom(512)
        if len(question) < 12 or question[:4] == b"GET ":
            names.sendto(b"hello from far", asker)
            continue
        end = question.index(0, 12) + 5
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
        answer = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(FAR)
        names.sendto(head + question[12:end] + answer, asker)
