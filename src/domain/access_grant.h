#pragma once
/*
 * What somebody may do: the scopes of a key, and the users that it is limited to. Slices are
 * borrowed. Any thread.
 */
#include "domain/activity_filter.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits of one set. */
enum access_scope {
    ACCESS_WRITE = 1 << 0, /* post activities */
    ACCESS_READ = 1 << 1,  /* ask for activities and counts of them */
    ACCESS_ADMIN = 1 << 2, /* look at how the service does */
    ACCESS_ERASE = 1 << 3  /* erase users */
};

enum {
    ACCESS_NAME_BYTES_MAX = 64,
    ACCESS_USERS_MAX = FILTER_NAMES_MAX, /* so that a question can be narrowed to all of them */
    ACCESS_SCOPES_TEXT_BYTES = 32        /* "write,read,admin,erase" and the NUL fit */
};

struct access_grant {
    struct str name; /* of the key */
    unsigned scopes;
    bool is_link;            /* a link for a viewer, not a key */
    const struct str *users; /* that it is limited to, each once, in the order of bytes */
    size_t user_count;       /* 0: it is not limited */
};

/* Everything, for everybody; of a service without keys. */
extern const struct access_grant access_grant_anybody;

/* "write,read": names of scopes with commas between them, each once; false: anything else. */
bool access_scopes_parse(struct str text, unsigned *out_scopes);
void access_scopes_format(unsigned scopes, char out_text[ACCESS_SCOPES_TEXT_BYTES]);

/* The name of one scope. Static. */
const char *access_scope_name(enum access_scope scope);

/* 1 to ACCESS_NAME_BYTES_MAX of [A-Za-z0-9._-], the first one no hyphen, since names stand behind
 * options. */
bool access_name_is_valid(struct str name);

/* Adds a user to a list in the order of bytes that has room for ACCESS_USERS_MAX, unless it is
 * there; TOO_LARGE. */
MUST_USE enum status access_users_add(struct str *users, size_t *count, struct str user_id);

bool access_grant_covers_user(const struct access_grant *grant, struct str user_id);

bool access_grant_has_same_users(const struct access_grant *one, const struct access_grant *other);

/* A copy whose texts lie in the arena; false when they do not fit. */
bool access_grant_copy(struct arena *arena, const struct access_grant *from,
                       struct access_grant *out_copy);

/* Narrows the users of a question, of which there may be FILTER_NAMES_MAX: who asks for nobody by
 * name asks for all users of the grant. False: one of those asked for is not covered; which one
 * goes to `out_refused`. */
bool access_grant_narrow(const struct access_grant *grant, struct str *user_ids, size_t *count,
                         struct str *out_refused);
