#pragma once
/*
 * The command that asks a server's probe, for whoever watches a container. main hands in how. One
 * thread.
 */
#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

/* GETs `url` and gets its status and the begin of its text, as much as `text` may hold. INVALID: no
 * such URL can be. UNAVAILABLE or TIMED_OUT: there was no answer. */
typedef enum status health_ask(const char *url, uint64_t timeout_ms, struct buffer *text,
                               long *out_code, struct error *err);

/* Takes the arguments behind the command's name and returns an exit code: fine for 200 only. */
int command_health(health_ask *ask, int argument_count, char **arguments);

extern const char command_health_help[];
