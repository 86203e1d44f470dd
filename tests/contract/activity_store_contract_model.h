#pragma once
/*
 * What a store should answer, computed the plain way: one sorted array and linear searches. The
 * oracle test holds stores against it. A fault can be built in, to see that the oracle would notice
 * one. Texts are borrowed from constants. One thread at a time.
 */
#include "domain/activity_store.h"

enum { MODEL_ROWS_MAX = 128, MODEL_USERS_MAX = 8 };

enum model_fault {
    FAULT_NONE,
    FAULT_TO_INCLUSIVE,      /* takes `to` as the last time wanted */
    FAULT_AFTER_INCLUSIVE,   /* repeats the row that a cursor names */
    FAULT_TIES_REVERSED,     /* orders equal times by descending id */
    FAULT_MORE_AT_THE_END,   /* says more when the page is just full */
    FAULT_CONFLICT_FORGIVEN, /* calls a conflict a duplicate */
    FAULT_ERASED_INCLUSIVE,  /* drops what was received at the very time of the erasure */
    FAULT_EXCLUDED_KEPT,     /* answers actions that are excluded */
    FAULT_ABSENT_EXCLUDED,   /* takes metadata without a path for excluded by it */
    FAULT_COUNT
};

struct model_tombstone {
    struct str user_id;
    int64_t erased_at_ms;
};

struct model {
    struct activity rows[MODEL_ROWS_MAX]; /* oldest first */
    size_t count;
    struct model_tombstone tombstones[MODEL_USERS_MAX];
    size_t tombstone_count;
    enum model_fault fault;
};

struct model_page {
    const struct activity *rows[MODEL_ROWS_MAX];
    size_t count;
    bool more;
};

enum verdict model_put(struct model *model, const struct activity *activity, bool covered);
const struct activity *model_get(const struct model *model, struct str id);
void model_find(const struct model *model, const struct activity_page_request *request,
                struct model_page *out_page);
uint64_t model_count(const struct model *model, const struct activity_filter *filter);
uint64_t model_erase(struct model *model, struct str user_id, int64_t erased_at_ms);
uint64_t model_expire(struct model *model, int64_t before_ms);
