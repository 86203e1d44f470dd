#pragma once
/*
 * The command that asks a server's probe, for whoever watches a container. main hands in how. One
 * thread.
 */
#include "base/buffer.h"
#include "base/error.h"

#include <stdint.h>

struct health_question {
    const char *url;     /* of the probe */
    const char *ca_file; /* who vouches for the server, in PEM; NULL: whom the system trusts */
    uint64_t timeout_ms;
};

/* GETs the URL and gets its status and the begin of its text, as much as `text` may hold. INVALID:
 * no such URL can be. UNAVAILABLE or TIMED_OUT: there was no answer. */
typedef enum status health_ask(const struct health_question *question, struct buffer *text,
                               long *out_code, struct error *err);

/* Takes the arguments behind the command's name and returns an exit code: fine for 200 only. */
int command_health(health_ask *ask, int argument_count, char **arguments);

extern const char command_health_help[];
