#pragma once
/*
 * Erasing a user: all of their activities that came before leave every answer at once, and what of
 * them is still on its way to the store is dropped there, now and whenever a log brings it again.
 * Any thread but an event loop's, since a store may write to disk.
 *
 * What came before is known by the time of receipt alone. The recorder draws the border: whatever
 * it took until then was received before, whatever it takes afterwards was not, even within one
 * millisecond, even when the clock steps back, and even over a restart. What the store holds of the
 * user when the erasure is carried out goes as a whole, though: an activity that was received
 * behind the border while the erasure waited for the store goes, too (and comes back should a log
 * bring it again). So do the user's entries in the refused list (refusal_subject.h says which are),
 * after the store knows of the erasure: keep_refusals.h tells why none comes back.
 *
 * Where several processes record, each draws by its own clock: what another one received before the
 * erasure counts as received before as far as their clocks agree.
 */
#include "application/record_activities.h"
#include "application/refusal_list.h"
#include "application/store_activities.h"

struct erase_user_config {
    struct activity_store *store;  /* borrowed, as all of these */
    struct refusal_list *refusals; /* what was refused of it */
    struct event_log *log;
    struct record_activities *recorder;
    struct store_activities *worker; /* between the two; NULL: in other processes */
};

struct erase_user {
    struct erase_user_config config;
    _Atomic uint64_t erasures;   /* that succeeded since the start */
    _Atomic uint64_t activities; /* that they removed from the store */
};

enum { ERASURE_OUT_OF_REACH_MAX = 5 };

/* Where activities of the user may still stand. Both texts are static. */
struct out_of_reach {
    const char *what; /* a word for programs */
    const char *detail;
};

struct erasure {
    int64_t erased_at_ms; /* it covers what was received before */
    uint64_t erased;      /* activities that left the answers */
    uint64_t refused;     /* entries that left the refused list */
    const char *store;    /* its kind: static */
    bool durable;         /* it holds after a restart, too */
    bool recorded;        /* in the store's chain; else `record` is zero */
    struct erasure_record record;
    struct out_of_reach out_of_reach[ERASURE_OUT_OF_REACH_MAX];
    size_t out_of_reach_count;
};

/* Before the recorder takes its first activity: none may seem to have come before an erasure of an
 * earlier process, whose clock may have been ahead. */
void erase_user_init(struct erase_user *eraser, const struct erase_user_config *config);

/* Takes up erasures that the store knows of by now: one that was away at the start told of none.
 * Asks the store. */
void erase_user_take_up(struct erase_user *eraser);

/* `user_id` is one that could be posted; nobody needs to know it. May be repeated. BUSY: what was
 * in the log at the start is not in the store yet. UNAVAILABLE, NO_SPACE, NO_MEMORY and what else
 * the store says: nothing is promised, and another try may succeed. `out_erasure->erased_at_ms` is
 * set once the store has erased, also when what comes behind that failed; 0: it has not. */
MUST_USE enum status erase_user_run(struct erase_user *eraser, struct str user_id,
                                    struct erasure *out_erasure, struct error *err);
