"""A month of activities of the kind that the load client sends with --history-days, for stores that are measured without it:
the same members, the same distributions (tests/load/generator.c), other random numbers."""

import array
import itertools
import random
import time
import uuid

USERS = 1_000_000
DAYS = 30
MS_PER_DAY = 86_400_000
PRODUCTS = 100_000
JITTER_MS = 2000
SESSION_MS = 1_800_000
WORD = (1 << 64) - 1

ACTIONS = [f"{verb}_{thing}" for thing in ("PRODUCT", "PAGE", "CART", "ORDER", "ACCOUNT")
           for verb in ("VIEW", "OPEN", "CLICK", "SEARCH", "ADD", "REMOVE", "SHARE", "RATE", "SAVE", "PRINT")]
SYSTEMS = ("X11; Linux x86_64", "Windows NT 10.0", "Macintosh", "iPhone; iOS 17_2")
BROWSERS = ("Firefox", "Chrome", "Safari", "Edge", "Opera")
AGENTS = [f"Mozilla/5.0 ({SYSTEMS[agent % 4]}) {BROWSERS[agent % 5]}/{100 + agent}.0" for agent in range(40)]

# An activity as JSON apart from its action and metadata.
FRAME_BYTES = len('{"id":"","userId":"","action":"","timestamp":"","metadata":}') + 36 + len("u012345") + len("2026-01-14T23:58:05.442Z")


def zipf_sums(count, exponent):
    """Running sums of the shares of each rank."""
    return array.array("d", itertools.accumulate((rank + 1) ** -exponent for rank in range(count)))


def scramble(value):
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & WORD
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & WORD
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & WORD
    return value ^ value >> 31


class History:
    """Makes (id, userId, action, timestamp in ms, metadata), one after the other over the last DAYS days."""

    def __init__(self, count, seed):
        self.count = count
        self.json_bytes = 0  # of all rows so far, as the load client would send them
        self.chance = random.Random(seed)
        self.begin_ms, self.step_ms = time.time() * 1000 - DAYS * MS_PER_DAY, DAYS * MS_PER_DAY / count
        self.users = zipf_sums(USERS, 1)
        self.actions = zipf_sums(len(ACTIONS), 1)
        self.products = zipf_sums(PRODUCTS, 0.8)
        self.user_hashes = array.array("Q", map(scramble, range(USERS)))

    def metadata(self, user, product, now_ms):
        number = self.user_hashes[user]
        bits = self.chance.getrandbits(14)
        session = scramble((number + now_ms // SESSION_MS) & WORD)
        return (f'{{"ip":"10.{number & 255}.{number >> 8 & 255}.{1 + (bits & 1)}","userAgent":"{AGENTS[number % len(AGENTS)]}",'
                f'"path":"/products/{product}","sessionId":"{session:016x}","durationMs":{bits >> 1}}}')

    def uuid(self, now_ms):
        bits = self.chance.getrandbits(74)
        return str(uuid.UUID(int=now_ms << 80 | 7 << 76 | bits >> 62 << 64 | 2 << 62 | bits & (1 << 62) - 1))

    def batches(self, size):
        """Lists of up to `size` rows."""
        for first in range(0, self.count, size):
            last = min(first + size, self.count)
            drawn = zip(self.chance.choices(range(USERS), cum_weights=self.users, k=last - first),
                        self.chance.choices(ACTIONS, cum_weights=self.actions, k=last - first),
                        self.chance.choices(range(PRODUCTS), cum_weights=self.products, k=last - first))
            rows = []
            for number, (user, action, product) in enumerate(drawn, first):
                now_ms = int(self.begin_ms + number * self.step_ms)
                metadata = self.metadata(user, product, now_ms)
                self.json_bytes += FRAME_BYTES + len(action) + len(metadata)
                rows.append((self.uuid(now_ms), f"u{user:06x}", action, now_ms + JITTER_MS - self.chance.randrange(2 * JITTER_MS),
                             metadata))
            yield rows
