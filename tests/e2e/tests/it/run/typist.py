"""Somebody at a terminal.

usage: python3 -I typist.py STEPS COMMAND...

Starts COMMAND at a terminal of its own and takes STEPS, a list in JSON: `["see", TEXT]` waits until TEXT
was shown since the last step, `["type", TEXT]` types it, `["size", ROWS, COLUMNS]` makes the window so
large. Shows all that was shown, and ends as the command did.
"""

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios

signal.alarm(60)
steps = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    # It begins when its window is as large as it is to be.
    sys.stdin.readline()
    os.execvp(sys.argv[2], sys.argv[2:])

seen, looked = b"", 0


def more():
    """False when everybody has left the terminal."""
    global seen
    try:
        read = os.read(terminal, 4096)
    except OSError:
        return False
    seen += read
    return bool(read)


def see(text):
    global looked
    while (at := seen.find(text.encode(), looked)) < 0:
        if not more():
            sys.exit(f"never shown: {text!r}; shown: {seen!r}")
    looked = at + len(text)


def size(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


size(24, 80)
os.write(terminal, b"\n")
for step, *arguments in steps:
    if step == "see":
        see(*arguments)
    elif step == "type":
        os.write(terminal, arguments[0].encode())
    else:
        size(*arguments)
while more():
    pass
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
