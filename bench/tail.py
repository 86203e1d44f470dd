"""The live tail under many listeners, and how soon a client reads what it wrote.

Listeners are in a process of their own, so that counting 100,000 events a second does not hold up who posts; both read the same
monotonic clock. Some of the listeners note when they heard of each activity, all count."""

import json
import multiprocessing
import os
import select
import socket
import time

import figures
import servers
from store import percentiles

USER = "tail"
NOTED = 20  # listeners that note times
RATE = 100  # activities a second
TURN = 32  # listeners that are read at once
END_SECONDS = 5  # for what is still under way


class Client:
    """One kept connection, one request after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, head, body=b""):
        self.socket.sendall(head + b"\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = self.socket.recv(65536)
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            answer += self.socket.recv(65536)
        status, _, text = answer.partition(b"\r\n\r\n")
        return int(status.split()[1]), json.loads(text)

    def post(self, number, user=USER):
        status, answer = self.ask(b"POST /api/v1/activities HTTP/1.1", b'{"userId":"%s","action":"a","metadata":{"n":%d}}' % (user.encode(), number))
        if status != 202:
            raise servers.BenchError(f"a single was answered {status} {answer}")
        return answer


def post_at_rate(port, first, count):
    """(when each was answered, milliseconds that each took), posted at the rate whatever the answers take."""
    client, answered, took = Client(port), [], []
    begun = time.monotonic()
    for number in range(count):
        planned = begun + number / RATE
        time.sleep(max(0, planned - time.monotonic()))
        client.post(first + number)
        answered.append(time.monotonic())
        took.append((answered[-1] - planned) * 1000)
    return answered, took


def listen(port, count, expected, told):
    """In a process of its own: tells when all listen, and in the end (events in all, {number: times})."""
    poll, listeners = select.epoll(), {}
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(f"GET /api/v1/activities/stream?userId={USER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        listeners[connection.fileno()] = connection
    for connection in listeners.values():
        if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
            told.send(None)
            return
    for descriptor in listeners:
        poll.register(descriptor, select.EPOLLIN)
    told.send("listening")
    noted = {descriptor: b"" for descriptor in list(listeners)[:NOTED]}
    room = bytearray(262144)  # one for all: memory for each would cost the listeners more than the events
    events, times, ends = 0, {}, None
    while events < expected * count and (ends is None or time.monotonic() < ends):
        for descriptor, _ in poll.poll(0.2, TURN):
            size = listeners[descriptor].recv_into(room)
            events += room.count(b"event: activity", 0, size)
            if descriptor in noted:
                note(noted, descriptor, bytes(room[:size]), times)
        os.sched_yield()  # a thousand clients would not keep a core from who posts
        if ends is None and told.poll():
            ends = time.monotonic() + END_SECONDS
    told.send((events, times))


def note(noted, descriptor, data, times):
    now = time.monotonic()
    *whole, noted[descriptor] = (noted[descriptor] + data).split(b"\n\n")
    for event in whole:
        _, found, rest = event.partition(b'"metadata":{"n":')
        if found:
            times.setdefault(int(rest.partition(b"}")[0]), []).append(now)


def tail_round(tools, plan, threads, folder):
    """(when listeners heard of it, milliseconds after the 202; what posting took before and meanwhile; events; CPU seconds)."""
    count = RATE * plan.tail_seconds
    with servers.usertrail(tools, folder / "tail", threads, "--store", "memory", "--listeners", str(plan.listeners + 10)) as server:
        _, before = post_at_rate(server.port, 0, count)
        here, there = multiprocessing.Pipe()
        listener = multiprocessing.get_context("fork").Process(target=listen, args=(server.port, plan.listeners, count, there))
        listener.start()
        if here.recv() != "listening":
            raise servers.BenchError("a listener was refused")
        cpu = server.cpu_seconds()
        answered, during = post_at_rate(server.port, count, count)
        here.send("posted")
        events, times = here.recv()
        listener.join()
        cpu = server.cpu_seconds() - cpu
    heard = [(at - answered[number - count]) * 1000 for number, all_times in times.items() for at in all_times]
    return heard, before, during, events, cpu


def tail_rows(tools, plan, threads, folder):
    due = RATE * plan.tail_seconds * plan.listeners
    all_told = figures.Row(f"activities told to {plan.listeners:,} listeners, {RATE * plan.listeners:,} events a second", "events / due", 1, 1)
    late = figures.Row("a listener hears of it after the 202", "ms, p99", 20, 5, smaller=True)
    slower = figures.Row("posting meanwhile, against without listeners", "p99 / p99", 2, 1.5, smaller=True)
    for _ in range(plan.tail_rounds):
        heard, before, during, events, cpu = tail_round(tools, plan, threads, folder)
        (p50, p99), (_, before99), (_, during99) = percentiles(heard), percentiles(before), percentiles(during)
        all_told.values.append(events / due)
        all_told.notes.append(f"{events:,} events, {1e6 * cpu / events:.2f} us of CPU each")
        late.values.append(p99)
        late.notes.append(f"p50 {p50:.2f} ms, of {len(heard):,} that were noted; below 0: before the client had its answer")
        slower.values.append(during99 / before99)
        slower.notes.append(f"p99 {during99:.2f} ms against {before99:.2f}, from the planned moment")
    return [all_told, late, slower]


def read_own_writes(writer, reader, count, user=USER):
    """Milliseconds that each question took, sent when its write was answered; by a server of its own where `reader` is another."""
    writing, reading, took = Client(writer.port), Client(reader.port), []
    for number in range(count):
        receipt = writing.post(number, user)["receipt"]
        begun = time.monotonic()
        status, answer = reading.ask(f"GET /api/v1/activities?userId={user}&limit=1&after={receipt} HTTP/1.1".encode())
        took.append((time.monotonic() - begun) * 1000)
        if status != 200 or answer["data"][0]["metadata"]["n"] != number:
            raise servers.BenchError(f"the write before was not read: {status} {answer}")
    return took


def fill_own_write_row(row, took, also=""):
    p50, p99 = percentiles(took)
    row.values.append(p99)
    row.notes.append(f"p50 {p50:.2f} ms, greatest {max(took):.2f} ms, of {len(took):,} writes and reads in turn{also}")
    return row


def own_write_row(tools, plan, threads, folder):
    row = figures.Row("reading one's own write by its receipt, after the 202", "ms, p99", 5, 2, smaller=True)
    with servers.usertrail(tools, folder / "own", threads) as server:
        return fill_own_write_row(row, read_own_writes(server, server, plan.store_pages // 4))


def bench_tail(tools, plan, threads, folder):
    return [*tail_rows(tools, plan, threads, folder), own_write_row(tools, plan, threads, folder)]
