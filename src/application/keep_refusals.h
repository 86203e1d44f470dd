#pragma once
/*
 * Listing what was refused, but for what belongs to users who were erased after it was received:
 * that is what keeps an erasure true when a log brings the same messages again.
 *
 * The store knows of erasures, the list has the entries, and an erasure may come in between. An
 * eraser (erase_user.h) first has the store know of it and then has the list forget the user; who
 * lists asks the store, lists, and asks again, and takes off what is covered by then. Whichever of
 * listing and forgetting comes first, one of the two sees the other: an entry can be there for the
 * time between its two steps, and is not afterwards. Should the process die in between, the same
 * batch comes again, and what is covered is taken off then.
 *
 * When a message was received is what activity_message.h would say of it: its own "receivedAt",
 * else when the log took it. Where nobody knows, it was before every erasure.
 *
 * The worker's thread.
 */
#include "application/refusal_list.h"
#include "base/clock.h"
#include "domain/erasure_lookup.h"

struct keep_refusals {
    struct refusal_list *list;       /* borrowed, as all of these */
    struct erasure_lookup *erasures; /* of the store; NULL: nobody is ever erased */
    const struct clock *clock;
};

/* As refusal_list_add. What the store says when it is asked is told likewise: add them again. */
MUST_USE enum status keep_refusals_add(const struct keep_refusals *keeper, struct uuid log_id,
                                       const struct refusal *refusals, size_t count,
                                       struct error *err);
