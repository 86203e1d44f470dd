#pragma once
/*
 * One GET over libcurl, for the command that asks a server how it is. Follows no redirect and takes
 * no proxy: whoever asks wants to hear that very server. Main's thread.
 */
#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

/* `text` gets the begin of the answer, as much as it may hold. The time is for everything from the
 * name to the last byte. INVALID: `url` is no address. TIMED_OUT or UNAVAILABLE: no whole answer.
 */
MUST_USE enum status health_probe_ask(const char *url, uint64_t timeout_ms, struct buffer *text,
                                      long *out_code, struct error *err);
