#include "base/status.h"

#include "base/assert.h"

static const char *const status_names[STATUS_COUNT] = {
    [STATUS_OK] = "ok",
    [STATUS_INVALID] = "invalid",
    [STATUS_NOT_FOUND] = "not-found",
    [STATUS_DUPLICATE] = "duplicate",
    [STATUS_TOO_LARGE] = "too-large",
    [STATUS_BUSY] = "busy",
    [STATUS_UNAVAILABLE] = "unavailable",
    [STATUS_TIMED_OUT] = "timed-out",
    [STATUS_NO_SPACE] = "no-space",
    [STATUS_CORRUPT] = "corrupt",
    [STATUS_NO_MEMORY] = "no-memory",
};

const char *status_name(enum status status)
{
    ASSERT(status >= STATUS_OK && status < STATUS_COUNT);
    return status_names[status];
}
