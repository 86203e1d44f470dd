#pragma once
/*
 * The refused list in MongoDB, which all workers share: the collection `refused` of the URI's
 * database (refused_document.h). What add took is confirmed by the majority and its journal.
 *
 * The maximum is of what all of them listed: each counts what it adds and removes itself, and asks
 * the server for the sums at times, so several that add at once may pass it for some seconds by
 * what they add. A message that no document can hold is counted as dropped. Threads: as
 * refusal_list.h says.
 */
#include "application/refusal_list.h"
#include "base/clock.h"

struct refusal_list_mongodb_config {
    const char *uri;     /* with credentials, which appear in no message */
    uint64_t bytes_max;  /* of entries; >= 1 */
    bool connects_later; /* a server that is away now is asked again by what comes; the indexes are
                            left to those who do not connect later */
    const struct clock *clock;
};

/* Connects, and makes the indexes that are missing. INVALID: the URI cannot be used; UNAVAILABLE:
 * no server answered, or it did not let us in, unless it connects later; NO_MEMORY. */
MUST_USE enum status refusal_list_mongodb_new(const struct refusal_list_mongodb_config *config,
                                              struct refusal_list **out_list, struct error *err);
