"""The program on a terminal: a pty of a size, what it showed there, and what somebody types."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unicodedata

import service as services

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def columns_of(line):
    """How many columns a line takes on a terminal."""
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


class Terminal:
    """One command whose standard streams are a terminal, except for those in `apart`, which are pipes of the process."""

    def __init__(self, *arguments, columns=80, extra=None, apart=(), folder=None):
        self.controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        def take_terminal():
            """Keys such as Ctrl-C go to whoever has it."""
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        streams = {name: subprocess.PIPE if name in apart else terminal for name in ("stdin", "stdout", "stderr")}
        self.process = subprocess.Popen([services.BINARY, *map(str, arguments)], start_new_session=True, preexec_fn=take_terminal, cwd=folder,
                                        env=services.environment({"TERM": "xterm", "NO_COLOR": "", **(extra or {})}), **streams)
        os.close(terminal)
        self.raw = b""

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        os.close(self.controller)

    @property
    def text(self):
        """What it showed so far; the terminal makes CR LF of each end of a line."""
        return self.raw.decode("utf-8").replace("\r\n", "\n")

    def _read(self, seconds):
        """False at the end: nobody has the other side any more."""
        if not select.select([self.controller], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.controller, 1 << 16)
        except OSError:
            return False
        self.raw += piece
        return bool(piece)

    def read_until(self, words, seconds=20):
        deadline = time.monotonic() + seconds * services.PATIENCE
        while words not in self.text:
            assert time.monotonic() < deadline, f"no {words!r} in {self.text!r}"
            assert self._read(0.1) or words in self.text, f"it ended: {self.text!r}"
        return self.text

    def type(self, text):
        os.write(self.controller, text.encode())

    def wait(self, seconds=20):
        """The exit code, when it has shown everything."""
        deadline = time.monotonic() + seconds * services.PATIENCE
        while self._read(0.1):
            assert time.monotonic() < deadline, self.text
            if self.process.poll() is not None and not select.select([self.controller], [], [], 0)[0]:
                break
        code = self.process.wait(seconds * services.PATIENCE)
        assert not services.DEFECT_REPORT.search(self.text), self.text
        return code


def show(*arguments, code=0, **options):
    """What a command shows on a terminal to its end."""
    with Terminal(*arguments, **options) as terminal:
        ended = terminal.wait()
        assert ended == code, (ended, terminal.text)
        return terminal.text


def expect_nothing_to_obey(text):
    """No control character but the ends of lines, once colours are taken off."""
    plain = COLOUR.sub("", text)
    bad = [hex(ord(sign)) for sign in plain if unicodedata.category(sign) in ("Cc", "Zl", "Zp") and sign not in "\n\r"]
    assert not bad, (bad, plain)
    assert not set(plain) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f"), plain
    return plain
