#pragma once
/*
 * An activity store that logs each call, what it was asked, how it ended and how long it took, and
 * is otherwise the one behind it. For looking at a running service; a line costs a system call.
 * Threads: as domain/activity_store.h says.
 */
#include "base/logger.h"
#include "domain/activity_store.h"

/* Lines have the level LOG_DEBUG and the time of the logger's clock. Owns `inner` once it returns
 * OK; `out_store` may be where `inner` stood. NO_MEMORY. */
MUST_USE enum status activity_store_tracing_new(struct activity_store *inner,
                                                const struct logger *logger,
                                                struct activity_store **out_store,
                                                struct error *err);
