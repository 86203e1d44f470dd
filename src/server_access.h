#pragma once
/*
 * Which server the commands ask, with which key, over which client.
 */
#include "interfaces/cli/server_link.h"

const struct server_access *server_access(void);

enum { SERVER_URL_BYTES = 1024, SERVER_KEY_BYTES_MAX = 400 };

/* Where the server of a folder is, as its lock says. NOT_FOUND: nothing is written there. */
MUST_USE enum status server_find_url(const char *directory, char out_url[SERVER_URL_BYTES],
                                     struct error *err);

/* The key in a file that nobody else may read or, where `path` is NULL, in the variable
 * USERTRAIL_KEY; "" where there is none. INVALID, NO_MEMORY. */
MUST_USE enum status server_read_key(const char *path, char out_key[SERVER_KEY_BYTES_MAX + 1],
                                     struct error *err);
