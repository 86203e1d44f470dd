"""Certificates for the servers of the tests, made by openssl in a folder that is thrown away with them."""

import shutil
import subprocess

VALID_DAYS = 2


def openssl(*arguments):
    program = shutil.which("openssl")
    assert program, "openssl is not there; tools/setup test installs what the tests need"
    subprocess.run([program, *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


class Certificates:
    """An authority of its own and what a server at 127.0.0.1 shows: `authority` is for clients, `chain` and `key` for Java,
    `key_and_chain` for Kafka. `stranger` is an authority that signed nothing here."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.authority, authority_key = self._make_authority("authority")
        self.stranger, _ = self._make_authority("stranger")
        self.key, self.chain = folder / "server.key", folder / "server.pem"
        request = folder / "server.csr"
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", request, "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1")
        openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial",
                "-days", VALID_DAYS, "-copy_extensions", "copy", "-out", self.chain)
        self.key_and_chain = folder / "server-all.pem"
        self.key_and_chain.write_bytes(self.key.read_bytes() + self.chain.read_bytes())

    def _make_authority(self, name):
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", VALID_DAYS, "-subj", f"/CN=usertrail tests {name}",
                "-keyout", key, "-out", certificate)
        return certificate, key
