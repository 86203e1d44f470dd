#pragma once
/*
 * The command that makes API keys, lists them and takes them back. main hands in what writes the
 * file. One thread.
 */
#include "base/error.h"
#include "domain/access_grant.h"

enum { KEYS_TEXT_BYTES = 64 }; /* a key fits, with its NUL */

/* One key of the file, as far as the file knows it. */
struct keys_entry {
    const struct access_grant *grant;
    int64_t created_at_ms;
    uint64_t id;
};

typedef void keys_visit(const struct keys_entry *entry, void *context);

struct keys_access {
    /* A new key, whose text nothing keeps. DUPLICATE: there is one of that name. */
    enum status (*create)(const char *path, const struct access_grant *grant,
                          char out_key[KEYS_TEXT_BYTES], struct error *err);
    /* In the order of their names. */
    enum status (*list)(const char *path, keys_visit *visit, void *context, struct error *err);
    /* NOT_FOUND: there is none of that name. */
    enum status (*revoke)(const char *path, struct str name, struct error *err);
};

/* Takes the arguments behind the command's name and returns an exit code. */
int command_keys(const struct keys_access *access, int argument_count, char **arguments);

extern const char command_keys_help[];
