#pragma once
/*
 * What a service says of an erasure, and the one text of it that is signed, so that a receipt is
 * evidence with any store, also where there is no chain to hold it against. Each line is the place
 * of a member in the answer of the DELETE, a space, and its value in JSON, as the service writes
 * it:
 *
 *     usertrail.erasure/1
 *     status "success"
 *     userId "user-7"
 *     erasedAt "2026-01-14T10:11:02.870Z"
 *     erased 3
 *     refused 0
 *     receipt.store "local"
 *     receipt.durable true
 *     receipt.chain.storeId "e5e64d6d-c529-4c4a-bac5-52df7caf5272"   (or: receipt.chain null)
 *     receipt.chain.record 1
 *     receipt.chain.hash "f75031983145c2176ce1e237f00f66c71a9b10227c4c52c3d69eda1ffde951c4"
 *     receipt.chain.sealed 3
 *     signedAt "2026-01-14T10:11:02.871Z"
 *     outOfReach.0.what "copies"                                     (for each place, from 0)
 *     outOfReach.0.detail "backups and other copies ..."
 *
 * Each line ends with a newline, and no value holds one, since JSON escapes it. Strings have the
 * escapes that base/json_text.h makes and no others: one statement has one text. The first line
 * names the version; a member more, or another order, is another version. It also tells the text
 * from a checkpoint, which the same key signs and which begins with "usertrail.store/".
 *
 * The signature is Ed25519 over these bytes. The answer carries the text as `signed`, for whoever
 * has no program that can make it of the members; `signedBy`, the key's name, "+" and the id that
 * it has in checkpoints, in hexadecimal; and `signature` in base64. Any thread.
 */
#include "application/erase_user.h"
#include "base/timestamp.h"
#include "base/uuid.h"

enum { STATEMENT_PLACES_MAX = 16, STATEMENT_BYTES_MAX = 128 * 1024 };

struct statement_place {
    struct str what;
    struct str detail;
};

/* Its texts are somebody else's. They are what stands in the members: one that was changed has
 * another text, even where it would mean the same. */
struct erasure_statement {
    struct str user_id;
    struct str erased_at;
    uint64_t erased;
    uint64_t refused;
    struct str store;
    bool durable;
    bool recorded; /* else what follows up to `sealed` is nothing */
    struct str store_id;
    uint64_t record;
    struct str hash;
    uint64_t sealed;
    struct str signed_at; /* {NULL, 0}: it is not to be signed */
    struct statement_place places[STATEMENT_PLACES_MAX];
    size_t place_count;
};

/* What the texts of a statement point into. */
struct erasure_texts {
    char erased_at[TIMESTAMP_TEXT_BYTES];
    char signed_at[TIMESTAMP_TEXT_BYTES];
    char store_id[UUID_TEXT_BYTES];
    char hash[2 * ERASURE_HASH_BYTES];
};

/* Makes the statement of an erasure, which is signed now when `signed_at_ms` is not NULL. It lives
 * as long as the user id and the texts do. */
void erasure_statement_make(struct str user_id, const struct erasure *erasure,
                            const int64_t *signed_at_ms, struct erasure_texts *out_texts,
                            struct erasure_statement *out_statement);

/* Appends the text above. */
void erasure_statement_append(const struct erasure_statement *statement, struct buffer *out_text);

/* That the members say what the text says. INVALID names the first that does not, NO_MEMORY. */
MUST_USE enum status erasure_statement_compare(const struct erasure_statement *statement,
                                               struct str signed_text, struct error *err);
