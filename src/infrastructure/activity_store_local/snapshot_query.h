#pragma once
/*
 * Questions to a snapshot. Pages come out of a merge over heads and parts; a part is not touched
 * before the walk reaches its times. Any thread; memory and time are bounded by the request.
 */
#include "domain/activity_page.h"
#include "infrastructure/activity_store_local/snapshot.h"

/* A snapshot, and the clock by which deadlines are kept. */
struct snapshot_query {
    struct snapshot *snapshot;
    const struct clock *clock;
};

/* As activity_store_find, _get, _count and _tally. */
MUST_USE enum status snapshot_find(const struct snapshot_query *query,
                                   const struct activity_page_request *request, struct arena *arena,
                                   struct activity_page *out_page, struct error *err);
MUST_USE enum status snapshot_get(struct snapshot *snapshot, struct str id, struct arena *arena,
                                  struct activity *out_activity, struct error *err);
MUST_USE enum status snapshot_count(const struct snapshot_query *query,
                                    const struct activity_filter *filter, uint64_t deadline_ns,
                                    uint64_t *out_count, struct error *err);

MUST_USE enum status snapshot_tally(const struct snapshot_query *query,
                                    const struct activity_tally_request *request,
                                    struct arena *arena, struct activity_tally *out_tally,
                                    struct error *err);

/* The same as get, but does not look into the newest head. */
MUST_USE enum status snapshot_get_before(struct snapshot *snapshot, struct id_key *id,
                                         struct arena *arena, struct activity *out_activity,
                                         struct error *err);
