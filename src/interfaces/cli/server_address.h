#pragma once
/*
 * Which server a command means, as its arguments say it. Any thread.
 */
#include "base/error.h"

#define SERVER_URL_USUAL "http://127.0.0.1:3000"

/* Texts are the arguments'; NULL: not given. */
struct server_address {
    const char *url;
    const char
        *directory;       /* instead: the server of this folder, whose address stands in its lock */
    const char *key_file; /* that holds its key; without it the variable USERTRAIL_KEY does */
    const char *ca_file;  /* who vouches for it, in PEM */
};

/* Of commands that take options in this way (option_walk.h). */
#define SERVER_OPTIONS(address)                                                                    \
    {.name = "url", .value = &(address)->url},                                                     \
        {.name = "data-dir", .value = &(address)->directory},                                      \
        {.name = "key-file", .value = &(address)->key_file},                                       \
    {                                                                                              \
        .name = "cacert", .value = &(address)->ca_file                                             \
    }

#define SERVER_HELP                                                                                \
    "  --url URL        the server; " SERVER_URL_USUAL " by default\n"                             \
    "  --data-dir DIR   instead: the server that runs on this folder, whose address\n"             \
    "                   stands in its lock\n"                                                      \
    "  --key-file FILE  a key for it: a file that nobody else may read; or its text\n"             \
    "                   in the variable USERTRAIL_KEY\n"                                           \
    "  --cacert FILE    who vouches for a server of https, in PEM\n"

/* INVALID: what was given does not go together. */
MUST_USE enum status server_address_check(const struct server_address *address, struct error *err);
