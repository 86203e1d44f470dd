"""SQLite under activities of the same kind, with the same three indexes: what the store on disk is compared with."""

import os
import resource
import shutil
import sqlite3

from history import History

CACHE_MIB = 256  # what the service may take at most


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
    """(activities per CPU-second, bytes each on the disk and as JSON), synced after each batch. Rows are made while nothing is
    measured."""
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
        history = History(count, seed)
        seconds = sum(insert(database, rows) for rows in history.batches(batch))
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return count / seconds, os.path.getsize(path) / count, history.json_bytes / count
    finally:
        shutil.rmtree(folder, ignore_errors=True)
