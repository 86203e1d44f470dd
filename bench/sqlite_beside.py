"""SQLite under activities of the same kind, with the same three indexes: what the store on disk is compared with."""

import os
import random
import resource
import shutil
import sqlite3
import time
import uuid

USERS = 1_000_000
DAYS = 30
MS_PER_DAY = 86_400_000
CACHE_MIB = 256  # what the service may take at most


def make_rows(count, seed, size):
    """Lists of `size` rows, made while nothing is measured."""
    chance = random.Random(seed)
    agents = [f"Mozilla/5.0 (X11; Linux x86_64) Browser/{100 + agent}.0" for agent in range(40)]
    begin, step = int(time.time() * 1000) - DAYS * MS_PER_DAY, DAYS * MS_PER_DAY / count
    rows = []
    for number in range(count):
        user = int(USERS ** chance.random()) - 1  # close to Zipf's distribution with exponent 1
        metadata = (f'{{"ip":"10.{user & 255}.{user >> 8 & 255}.{1 + number % 2}","userAgent":"{agents[user % 40]}",'
                    f'"path":"/products/{int(100_000 ** chance.random())}","sessionId":"{chance.getrandbits(64):016x}",'
                    f'"durationMs":{chance.randrange(8192)}}}')
        now = begin + int(number * step)
        rows.append((str(uuid.UUID(int=now << 80 | 7 << 76 | chance.getrandbits(76))), f"u{user:06x}",
                     f"ACTION_{int(50 ** chance.random())}", now + chance.randrange(-2000, 2000), metadata))
        if len(rows) == size or number + 1 == count:
            yield rows
            rows = []


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def insert(database, rows):
    """CPU seconds of one durable transaction."""
    before = cpu_seconds()
    database.execute("BEGIN")
    database.executemany("INSERT OR IGNORE INTO activities VALUES (?,?,?,?,?)", rows)
    database.execute("COMMIT")
    return cpu_seconds() - before


def sqlite_cost(folder, count, batch, seed):
    """(activities per CPU-second, bytes each), synced after each batch."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / "activities.sqlite"
    try:
        database = sqlite3.connect(path, isolation_level=None)
        for line in (f"PRAGMA cache_size=-{CACHE_MIB * 1024}", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                     "CREATE TABLE activities (id TEXT PRIMARY KEY, userId TEXT, action TEXT, timestamp INTEGER, metadata TEXT) "
                     "WITHOUT ROWID",
                     "CREATE INDEX by_user ON activities (userId, timestamp, id)",
                     "CREATE INDEX by_action ON activities (action, timestamp, id)",
                     "CREATE INDEX by_time ON activities (timestamp, id)"):
            database.execute(line)
        seconds = sum(insert(database, rows) for rows in make_rows(count, seed, batch))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return count / seconds, os.path.getsize(path) / count
    finally:
        shutil.rmtree(folder, ignore_errors=True)
