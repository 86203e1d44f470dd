#pragma once
/*
 * The port of the refused list: where the worker keeps what was in an event log and could not be
 * stored, so that it can be looked at and sent again. Adapters fill a const table of operations;
 * callers use the wrappers below, which assert the contract. The contract suite in
 * tests/contract/refusal_list_contract.c holds every adapter to what is written here.
 *
 * What add took survives whatever the activities of the store beside it survive, and so does that
 * it was removed. A position is listed once, however often a log hands it over again; one that was
 * removed is listed again then (keep_refusals.h keeps back those of erased users). The list has a
 * maximum of bytes: when it is full the oldest entries go and are counted.
 *
 * Threads: add comes from one thread, the worker; find, get, remove, forget and describe from any.
 * None of them may run on an event loop.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/uuid.h"
#include "domain/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REFUSAL_ID_BYTES = 80 }; /* with the NUL */

struct refusal_entry {
    struct str id; /* "<log id>-<partition>-<offset>": REFUSAL_ID_BYTES at most */
    struct uuid log_id;
    struct refusal refusal;
    int64_t refused_at_ms;
};

struct refusal_page {
    struct refusal_entry *entries; /* newest first by (refused_at_ms, id); in the caller's arena */
    size_t count;
    bool more; /* of one user's: there may be more */
};

struct refusal_page_request {
    size_t limit;     /* entries, >= 1 */
    size_t bytes_max; /* stop before the texts of the entries pass this; the first one always comes
                       */
    const struct refusal_entry *after; /* only entries behind this one: its id and refused_at_ms;
                                          NULL: from the start */
    struct str user_id; /* only entries of this user (refusal_subject.h); {NULL, 0}: of all */
};

/* Where a page ended; outlives the page and its arena. Must not move. */
struct refusal_place {
    struct refusal_entry entry; /* has id and refused_at_ms only */
    char id[REFUSAL_ID_BYTES];
};

struct refusal_list_state {
    const char *kind; /* "memory", "local", "mongodb": static */
    uint64_t listed;  /* now */
    uint64_t bytes;
    uint64_t bytes_max;
    uint64_t dropped; /* entries that had to go since the start because the list was full */
};

struct refusal_list;

struct refusal_list_operations {
    enum status (*add)(struct refusal_list *list, struct uuid log_id,
                       const struct refusal *refusals, size_t count, struct error *err);
    enum status (*find)(struct refusal_list *list, const struct refusal_page_request *request,
                        struct arena *arena, struct refusal_page *out_page, struct error *err);
    enum status (*get)(struct refusal_list *list, struct str id, struct arena *arena,
                       struct refusal_entry *out_entry, struct error *err);
    enum status (*remove)(struct refusal_list *list, struct str id, struct error *err);
    enum status (*forget)(struct refusal_list *list, struct str user_id, uint64_t *out_forgotten,
                          struct error *err);
    void (*describe)(struct refusal_list *list, struct refusal_list_state *out_state);
    void (*free)(struct refusal_list *list);
};

/* Embedded first in every adapter. */
struct refusal_list {
    const struct refusal_list_operations *operations;
};

/* Lists them; durable when it returns, where the list is. Those that are there stay as they are.
 * UNAVAILABLE, TIMED_OUT, NO_SPACE, NO_MEMORY: none or some are listed, add them again later. */
MUST_USE enum status refusal_list_add(struct refusal_list *list, struct uuid log_id,
                                      const struct refusal *refusals, size_t count,
                                      struct error *err);

/* Fills a page; entries and texts live in `arena`. NO_MEMORY: they do not fit. */
MUST_USE enum status refusal_list_find(struct refusal_list *list,
                                       const struct refusal_page_request *request,
                                       struct arena *arena, struct refusal_page *out_page,
                                       struct error *err);

/* One entry by its id, or NOT_FOUND. */
MUST_USE enum status refusal_list_get(struct refusal_list *list, struct str id, struct arena *arena,
                                      struct refusal_entry *out_entry, struct error *err);

/* Takes one entry off the list, durably where the list is. NOT_FOUND: it is not there. UNAVAILABLE,
 * TIMED_OUT, NO_SPACE, NO_MEMORY: it is or is not there any more; try again. */
MUST_USE enum status refusal_list_remove(struct refusal_list *list, struct str id,
                                         struct error *err);

/* Takes all entries of one user (refusal_subject.h) off the list, as remove does one, and says how
 * many: those that were listed when it was called. UNAVAILABLE, TIMED_OUT, NO_SPACE, NO_MEMORY, and
 * NOT_FOUND never: some may be gone; try again. */
MUST_USE enum status refusal_list_forget(struct refusal_list *list, struct str user_id,
                                         uint64_t *out_forgotten, struct error *err);

void refusal_list_describe(struct refusal_list *list, struct refusal_list_state *out_state);

/* Takes NULL. No other call may be under way. */
void refusal_list_free(struct refusal_list *list);
CLEANUP_FUNCTION(struct refusal_list *, refusal_list_free)

/* Of the last entry of a page; the next request has the place's entry as `after`. A longer id than
 * there can be is cut: a list that others may write to is not trusted. */
void refusal_place_take(struct refusal_place *place, const struct refusal_entry *last);

/* For adapters: writes the id of an entry. */
void refusal_entry_write_id(struct uuid log_id, struct position position,
                            char out_id[REFUSAL_ID_BYTES]);

/* For adapters: a copy whose texts lie in the arena, an absent one absent; it may take the place of
 * what is copied. False when it does not fit; what lies in the arena by then stays there. */
MUST_USE bool refusal_entry_copy(struct arena *arena, const struct refusal_entry *from,
                                 struct refusal_entry *out_copy);
