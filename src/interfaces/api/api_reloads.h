#pragma once
/*
 * How often a signal had the service read its files again, and how often something in them was
 * refused and stayed as it was. Main counts; any thread tells.
 */
#include "base/metric_text.h"

#include <stdatomic.h>
#include <stdint.h>

struct api_reloads {
    _Atomic uint64_t done;    /* in which everything was taken */
    _Atomic uint64_t refused; /* in which something was not */
};

/* A member of /health. NULL: nothing is said, as nobody counts. */
void api_reloads_append_health(const struct api_reloads *reloads, struct buffer *json);

/* Tells both as metrics; likewise. */
void api_reloads_tell_metrics(const struct api_reloads *reloads, struct metric_text *text);
