#pragma once
/*
 * The arguments of import: one input, where its activities go, and how. One thread.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct import_arguments {
    const char *input;    /* a file; "-": standard input */
    const char *data_dir; /* this or `server`; the other is NULL */
    const char *server;
    const char *config; /* NULL as everything below: not given */
    const char *state;
    const char *errors;
    const char *key;
    const char *api_key_file;
    const char *ca_file;
    uint64_t give_up_ms;
    bool quiet;
};

/* The texts are the arguments'. INVALID: `err` says what is wrong and what to write. */
MUST_USE enum status import_arguments_read(int argument_count, char **arguments,
                                           struct import_arguments *out_arguments,
                                           struct error *err);
