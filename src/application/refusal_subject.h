#pragma once
/*
 * Whose a refused message is: the one place that decides it, for erasing a user and for all about
 * one user.
 *
 * It is the user's whom its own text names, as far as that is a JSON object: the member "userId"
 * at its top level, a string or a number as it is written, also where something else in the text is
 * wrong or its end is missing. Of a text that names nobody so, it is the user's who is its key:
 * activities have their user as the key where usertrail writes them. Nothing else is looked at,
 * neither arrays nor what stands deeper: an activity's user is not found there either.
 *
 * An object may have the member several times, which is what it was refused for: the first
 * REFUSAL_NAMES_MAX count, and the message is each one's. Any thread.
 */
#include "base/macros.h"
#include "base/status.h"
#include "domain/activity_rules.h"
#include "domain/refusal.h"

#include <stdbool.h>
#include <stddef.h>

enum { REFUSAL_NAMES_MAX = 4 };

/* Must not move, for names may point into it; those that do not point into the refusal. */
struct refusal_subject {
    struct str names[REFUSAL_NAMES_MAX]; /* UTF-8, 1..USER_ID_BYTES_MAX bytes */
    size_t count;
    bool has_received_at; /* the text says when it was received: usertrail wrote it */
    int64_t received_at_ms;
    char texts[REFUSAL_NAMES_MAX][USER_ID_BYTES_MAX]; /* of names that were escaped */
};

/* Takes time that grows with the text. NO_MEMORY. */
MUST_USE enum status refusal_subject_read(const struct refusal *refusal,
                                          struct refusal_subject *out_subject);

/* Whether it is one of the names. */
bool refusal_subject_is(const struct refusal_subject *subject, struct str user_id);

/* Whether the refusal is the user's; read anew. NO_MEMORY. */
MUST_USE enum status refusal_is_of(const struct refusal *refusal, struct str user_id,
                                   bool *out_is_of);

/* For lists, which look through many: a few bits for each name. A refusal can be a user's only if
 * it has all bits of the user, and few others have. */
uint64_t refusal_signature(const struct refusal *refusal);
uint64_t refusal_signature_of_user(struct str user_id);

static inline bool refusal_signature_may_be(uint64_t signature, uint64_t of_user)
{
    return (signature & of_user) == of_user;
}
