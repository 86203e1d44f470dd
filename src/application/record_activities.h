#pragma once
/*
 * The way in: fills in what a client left out of an activity and appends it to the event log, whose
 * listener then says when it is durable. Any thread.
 */
#include "application/activity_json.h"
#include "application/event_log.h"
#include "application/minute_counts.h"
#include "domain/activity_id.h"

#include <stdatomic.h>
#include <stdint.h>

/* It adds up at the edge: received = accepted + rejected, once what is under way is answered. */
struct record_counters {
    _Atomic uint64_t received; /* activities that arrived in whatever shape */
    _Atomic uint64_t accepted; /* became durable and were answered so */
    _Atomic uint64_t rejected; /* answered 4xx or 5xx */
    _Atomic uint64_t resent;   /* beside these: out of the refused list, and durable */
};

/* The places of the minutes' counts: as the counters. */
enum { RECORD_COUNTS = 4 };

struct record_activities {
    struct event_log *log;
    struct activity_id_source ids;
    struct record_counters counters;
    struct minute_counts minutes;
};

/* Everything is borrowed and must outlive the recorder. */
void record_activities_init(struct record_activities *recorder, struct event_log *log,
                            const struct clock *clock, const struct random *random);

/* Completes the draft: time of receipt, a UUIDv7 when it has no id (written to `id_text`, which the
 * activity then points into), the time of receipt as timestamp when it has none. `now_ns` is the
 * time of the recorder's clock, read once for what came in one request: reading it for each of a
 * thousand activities costs as much as parsing some of them. */
void record_activities_complete(struct record_activities *recorder, uint64_t now_ns,
                                struct activity_draft *draft, char id_text[UUID_TEXT_BYTES]);

/* Hands complete activities to the log; statuses and the listener's duties as in event_log_append.
 */
MUST_USE enum status record_activities_append(struct record_activities *recorder,
                                              const struct activity *activities, size_t count,
                                              struct append_listener *listener,
                                              struct append_ticket ticket);

/* A border between what came and what will: activities that were completed until now were received
 * before it, later ones were not. */
int64_t record_activities_border_ms(struct record_activities *recorder);

/* No activity counts as received before this time any more. */
void record_activities_begin_at(struct record_activities *recorder, int64_t time_ms);

void record_activities_count(struct record_activities *recorder, uint64_t received,
                             uint64_t accepted, uint64_t rejected);

void record_activities_count_resent(struct record_activities *recorder, uint64_t resent);
