"""A proxy in front of all brokers of a Kafka that is not ours. Its brokers tell clients where to go by their advertised
listeners, which no test may change, so that a client behind a plain proxy goes around it with its second connection. This one
puts its own places into those answers."""

import struct

from tcp_proxy import LOOPBACK, TcpProxy

METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER = 3, 10, 60  # the requests whose answers tell places
METADATA_REQUEST = struct.pack(">hhihi", METADATA, 1, 1, -1, 0)  # version 1, about no topic


def brokers_of(answer):
    """Host and port of each broker, from the answer to METADATA_REQUEST."""
    correlation, count = struct.unpack_from(">ii", answer)
    if correlation != 1:
        raise ValueError("this is no answer of a broker")
    places, at = [], 8
    for _ in range(count):
        length, = struct.unpack_from(">h", answer, at + 4)
        host = answer[at + 6:at + 6 + length].decode()
        port, rack_length = struct.unpack_from(">ih", answer, at + 6 + length)
        places.append((host, port))
        at += 12 + length + max(rack_length, 0)
    return places


class KafkaProxy:
    """`brokers` are hosts and ports as the brokers tell them, `ports` those of the loopback where they are found instead. A broker
    that joins later is not behind it."""

    def __init__(self, brokers, ports):
        self.replacements = {}
        for (host, port), ours in zip(brokers, ports, strict=True):
            self.replacements |= zip(_spellings(host, port), _spellings(LOOPBACK, ours))
        self.proxies = [_BrokerProxy(port, ours, host, self.replacements)
                        for (host, port), ours in zip(brokers, ports, strict=True)]

    @property
    def address(self):
        return ",".join(f"{LOOPBACK}:{one.port}" for one in self.proxies)

    @property
    def connections(self):
        return sum(one.connections for one in self.proxies)

    def cut(self):
        for one in self.proxies:
            one.cut()

    def stall(self):
        for one in self.proxies:
            one.stall()

    def hold_answers(self):
        for one in self.proxies:
            one.hold_answers()

    def resume(self):
        for one in self.proxies:
            one.resume()

    def close(self):
        for one in self.proxies:
            one.close()


def _spellings(host, port):
    """A place as old and as new versions of answers have it: a text with its length in front, then the port."""
    text, number = host.encode(), struct.pack(">i", port)
    return struct.pack(">h", len(text)) + text + number, bytes([len(text) + 1]) + text + number


class _BrokerProxy(TcpProxy):
    def __init__(self, server_port, port, host, replacements):
        super().__init__(server_port, port, host)
        self.replacements = replacements

    def _readers(self):
        conversation = _Conversation(self.replacements)
        return conversation.asked, conversation.answered


class _Conversation:
    """One connection, whose answers name their requests by number. The two directions are two threads, of which the one that
    asks is always ahead."""

    def __init__(self, replacements):
        self.replacements = replacements
        self.requests, self.answers = bytearray(), bytearray()
        self.telling = set()  # numbers of the requests whose answers tell places

    def asked(self, data):
        self.requests += data
        for request in _whole(self.requests):
            kind, _, number = struct.unpack_from(">hhi", request)
            if kind in (METADATA, FIND_COORDINATOR, DESCRIBE_CLUSTER):
                self.telling.add(number)
        return data

    def answered(self, data):
        self.answers += data
        return b"".join(self._with_our_places(answer) for answer in _whole(self.answers))

    def _with_our_places(self, answer):
        number, = struct.unpack_from(">i", answer)
        if number in self.telling:
            self.telling.discard(number)
            for theirs, ours in self.replacements.items():
                answer = answer.replace(theirs, ours)
        return struct.pack(">i", len(answer)) + answer


def _whole(buffer):
    """Takes the messages out of the buffer that are there to their end."""
    while len(buffer) >= 4:
        length, = struct.unpack_from(">i", buffer)
        if len(buffer) < 4 + length:
            return
        yield bytes(buffer[4:4 + length])
        del buffer[:4 + length]
