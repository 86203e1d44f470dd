"""Writes the files of a local refused list as src/infrastructure/refusal_list_local/record_format.h draws them, so that a test has
entries that no log of its own would refuse: what another store or version refused, and a fixed one takes."""

import struct
import uuid

LOG = uuid.UUID("5a010203-0000-0000-0000-000000000000")  # of an earlier life
HEADER_BYTES = 72


def of_byte(crc):
    for _ in range(8):
        crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc


TABLE = [of_byte(byte) for byte in range(256)]


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def record(number, at, offset, raw, logged_ms):
    """One record of format 1 at its place in the file with that number."""
    reason = b"the store of that time did not take it"
    body = LOG.bytes + struct.pack("<iIqqqIIII", 0, 1, offset, logged_ms + offset, logged_ms, 0, 0, len(reason), len(raw)) + reason + raw
    crc = crc32c(struct.pack("<QQ", number, at) + body)
    return b"\xf9UR\x01" + struct.pack("<I", crc) + body


def write(folder, raws, logged_ms=1_700_000_000_000):
    """The first file of a list with these messages; returns the ids of the entries."""
    folder.mkdir(parents=True)
    content = bytearray()
    for offset, raw in enumerate(raws):
        content += record(1, len(content), offset, raw, logged_ms)
    (folder / "0000000001.refused").write_bytes(content)
    return [f"{LOG}-0-{offset}" for offset in range(len(raws))]


def make(make_service, *raws):
    """A service with a list of these messages, oldest first, not started yet, and their ids."""
    service = make_service()
    service.data.mkdir(parents=True)
    return service, write(service.data / "refused", raws)
