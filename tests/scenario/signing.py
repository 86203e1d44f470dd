"""Ed25519 keys, for tests: made by the openssl command, for services that sign checkpoints and receipts."""

import shutil
import subprocess

import pytest

NAME = "example.com/trail"  # of who signs

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command, which makes the keys, is missing")


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], timeout=20, check=True, capture_output=True).stdout


class Keys:
    """The files of a pair of keys, made anew; as the program wants it, the private one is open to nobody else."""

    def __init__(self, folder, name="key"):
        self.private, self.public = folder / f"{name}.pem", folder / f"{name}.pub"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.private)
        self.private.chmod(0o600)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    def flags(self):
        return ("--checkpoint-key-file", self.private, "--checkpoint-name", NAME)
