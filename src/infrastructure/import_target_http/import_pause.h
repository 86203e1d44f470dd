#pragma once
/*
 * How long to wait before something that failed is tried again, and when to give up. Any thread.
 */
#include "base/str.h"

#include <stdint.h>

enum { IMPORT_PAUSE_MS_MIN = 100, IMPORT_PAUSE_MS_MAX = 30 * 1000 };

/* Doubles with each attempt (1 is the first that failed), but is not shorter than the server asks
 * for and not longer than the maximum. */
uint64_t import_pause_ms(unsigned attempts, uint64_t retry_after_ms);

/* The value of a Retry-After in whole seconds, as milliseconds; 0 for a date or anything else. */
uint64_t import_retry_after_ms(struct str value);
