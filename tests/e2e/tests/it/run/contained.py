"""Runs a command as a container does that lets nobody make namespaces: by a filter of system calls, as
Docker's is.

usage: python3 -I contained.py COMMAND...
"""

import ctypes
import os
import platform
import struct
import sys

LOAD, EQUAL, ANY, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, ARGUMENT = 0, 16
NEWUSER = 0x10000000
ALLOWED, REFUSED, ABSENT = 0x7FFF0000, 0x00050001, 0x00050026

clone, unshare = {"x86_64": (56, 272), "aarch64": (220, 97)}[platform.machine()]
clone3 = 435
steps = [
    (LOAD, 0, 0, NUMBER),
    (EQUAL, 5, 0, clone3),
    (EQUAL, 1, 0, clone),
    (EQUAL, 0, 2, unshare),
    (LOAD, 0, 0, ARGUMENT),
    (ANY, 2, 0, NEWUSER),
    (RETURN, 0, 0, ALLOWED),
    (RETURN, 0, 0, ABSENT),
    (RETURN, 0, 0, REFUSED),
]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
# struct sock_fprog
header = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program))
libc = ctypes.CDLL(None, use_errno=True)
# PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP with SECCOMP_MODE_FILTER
for words in ((38, 1, 0, 0, 0), (22, 2, ctypes.c_char_p(header), 0, 0)):
    if libc.prctl(*words) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
