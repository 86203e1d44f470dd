"""The refused list as its clients ask it."""

import service as services
import wire

REFUSED = "/api/v1/refused"


def entries(service):
    """All of them, newest first, over cursors."""
    found, cursor = [], ""
    while cursor is not None:
        page = service.get(f"{REFUSED}?limit=1000{cursor}").json
        found += page["data"]
        cursor = f"&cursor={page['nextCursor']}" if page["nextCursor"] else None
    return found


def listed(service):
    """The ids of all, newest first."""
    return [entry["id"] for entry in entries(service)]


def wait_listed(service, count):
    """All of them, once there are as many."""
    def found():
        there = entries(service)
        return len(there) == count and there

    return wire.wait_until(found, f"{count} refused entries", 30 * services.PATIENCE, 0.05)


def resend(service, target="/resend"):
    return service.request("POST", f"{REFUSED}{target}", b"")
