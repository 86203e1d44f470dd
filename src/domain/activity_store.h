#pragma once
/*
 * The repository port: where activities can be queried. Adapters fill a const table of operations;
 * callers use the wrappers below, which assert the contract. The contract suite in
 * tests/contract/activity_store_contract.c holds every adapter to what is written here.
 *
 * Threads: put_batch, sync and expire come from one thread, the worker; durable_positions,
 * accounts, find, get, count, tally and erase from any thread at any time. None of them may run on
 * an event loop.
 *
 * Exactly once: an id is stored once over the whole retention. What put_batch took is in the
 * answers of find, get, count and tally when it returns. What a crash leaves behind is at least
 * everything below durable_positions.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/macros.h"
#include "domain/activity_batch.h"
#include "domain/activity_filter.h"
#include "domain/activity_page.h"
#include "domain/activity_tally.h"
#include "domain/coverage.h"
#include "domain/position.h"
#include "domain/verdict.h"

struct activity_store;

struct activity_store_state {
    const char *kind;        /* "memory", "local", "mongodb": static */
    bool durable;            /* false: nothing survives the process */
    bool hides_erased;       /* what is erased leaves the answers at once, the disk only later */
    uint64_t activities;     /* stored now */
    uint64_t bytes;          /* memory or disk that they take */
    int64_t erased_until_ms; /* the latest time of all erasures that survive the process; 0: none */
};

enum { ERASURE_HASH_BYTES = 32 };

/* Names the record of an erasure for whoever looks for it in the store's chain later. */
struct erasure_record {
    struct uuid store_id;
    uint64_t number; /* among all records of the chain, from 1 */
    uint8_t hash[ERASURE_HASH_BYTES];
    int64_t erased_at_ms; /* the latest time that any erasure of the user was given */
    uint64_t sealed; /* of the activities that were removed, those that the chain has seals of */
};

/* What an erasure came to. */
struct activity_erasure {
    uint64_t erased; /* activities that were removed */
    bool recorded;   /* in a chain; a store without one leaves the record zero */
    struct erasure_record record;
};

struct activity_store_operations {
    enum status (*put_batch)(struct activity_store *store, const struct activity_batch *batch,
                             enum verdict *out_verdicts, struct error *err);
    enum status (*durable_positions)(struct activity_store *store, struct uuid log_id,
                                     struct position_set *out_positions, struct error *err);
    enum status (*accounts)(struct activity_store *store, struct coverage *out_accounts,
                            struct error *err);
    enum status (*sync)(struct activity_store *store, struct error *err);
    enum status (*find)(struct activity_store *store, const struct activity_page_request *request,
                        struct arena *arena, struct activity_page *out_page, struct error *err);
    enum status (*get)(struct activity_store *store, struct str id, struct arena *arena,
                       struct activity *out_activity, struct error *err);
    enum status (*count)(struct activity_store *store, const struct activity_filter *filter,
                         uint64_t deadline_ns, uint64_t *out_count, struct error *err);
    enum status (*tally)(struct activity_store *store, const struct activity_tally_request *request,
                         struct arena *arena, struct activity_tally *out_tally, struct error *err);
    enum status (*erase)(struct activity_store *store, struct str user_id, int64_t erased_at_ms,
                         struct activity_erasure *out_erasure, struct error *err);
    enum status (*expire)(struct activity_store *store, int64_t before_ms, uint64_t *out_expired,
                          struct error *err);
    void (*describe)(struct activity_store *store, struct activity_store_state *out_state);
    void (*free)(struct activity_store *store);
};

/* Embedded first in every adapter. */
struct activity_store {
    const struct activity_store_operations *operations;
};

/* Stores the rows and says of each what became of it, in the order of the rows; out_verdicts has
 * room for batch->count. All or nothing as far as the verdicts go: on failure none is given, and
 * the same batch may be put again. A batch without rows raises what is covered. Where a row is
 * refused, `err` says why, also with OK; of several it says it of one; and nothing from it on is
 * durable before the next put_batch or sync, so that a crash loses no row that nobody has listed.
 * UNAVAILABLE, TIMED_OUT, NO_SPACE, NO_MEMORY: try again later; CORRUPT: stop. */
MUST_USE enum status activity_store_put_batch(struct activity_store *store,
                                              const struct activity_batch *batch,
                                              enum verdict *out_verdicts, struct error *err);

/* Raises `out_positions` to what of this log would survive a crash now: the worker resumes there
 * and the log may drop what lies below. An unknown log leaves the set as it is. */
MUST_USE enum status activity_store_durable_positions(struct activity_store *store,
                                                      struct uuid log_id,
                                                      struct position_set *out_positions,
                                                      struct error *err);

/* Raises `out_accounts` to what became of the positions of each log that was put from
 * (log_account.h): of those that had their verdict, which may be more than what is durable. What
 * survives a crash are the accounts of durable_positions, exactly. */
MUST_USE enum status activity_store_accounts(struct activity_store *store,
                                             struct coverage *out_accounts, struct error *err);

/* Makes durable what was put, if the store can. */
MUST_USE enum status activity_store_sync(struct activity_store *store, struct error *err);

/* Fills a page; the rows and their texts live in `arena`. NO_MEMORY: the page does not fit the
 * arena. TIMED_OUT: the deadline passed first. */
MUST_USE enum status activity_store_find(struct activity_store *store,
                                         const struct activity_page_request *request,
                                         struct arena *arena, struct activity_page *out_page,
                                         struct error *err);

/* One activity by its id, or NOT_FOUND. */
MUST_USE enum status activity_store_get(struct activity_store *store, struct str id,
                                        struct arena *arena, struct activity *out_activity,
                                        struct error *err);

/* How many activities match. `deadline_ns` as in activity_page_request. */
MUST_USE enum status activity_store_count(struct activity_store *store,
                                          const struct activity_filter *filter,
                                          uint64_t deadline_ns, uint64_t *out_count,
                                          struct error *err);

/* How many activities match in each group; the groups live in `arena`. TOO_LARGE: there are more
 * than groups_max of them, with a sentence for the client. NO_MEMORY, TIMED_OUT as for find. */
MUST_USE enum status activity_store_tally(struct activity_store *store,
                                          const struct activity_tally_request *request,
                                          struct arena *arena, struct activity_tally *out_tally,
                                          struct error *err);

/* Removes all activities of the user from every answer, at once, and drops from now on what was
 * received before `erased_at_ms`. Each call that a store records has a record of its own, also one
 * that repeats another. */
MUST_USE enum status activity_store_erase(struct activity_store *store, struct str user_id,
                                          int64_t erased_at_ms,
                                          struct activity_erasure *out_erasure, struct error *err);

/* Removes activities whose timestamp lies before `before_ms`, perhaps not all of them at once (an
 * adapter may drop whole files only). Says how many went. */
MUST_USE enum status activity_store_expire(struct activity_store *store, int64_t before_ms,
                                           uint64_t *out_expired, struct error *err);

/* For adapters: OK, or TIMED_OUT in the words that a client reads, once the deadline has passed; 0
 * is none. */
MUST_USE enum status activity_store_check_deadline(const struct clock *clock, uint64_t deadline_ns,
                                                   struct error *err);

/* The same when it is known already. */
MUST_USE enum status activity_store_timed_out(struct error *err);

/* For adapters: why a tally has no answer, in the words that a client reads. TIMED_OUT, TOO_LARGE,
 * NO_MEMORY. */
MUST_USE enum status activity_store_refuse_tally(enum status status, size_t groups_max,
                                                 struct error *err);

void activity_store_describe(struct activity_store *store, struct activity_store_state *out_state);

/* Takes NULL. No other call may be under way. */
void activity_store_free(struct activity_store *store);
CLEANUP_FUNCTION(struct activity_store *, activity_store_free)
