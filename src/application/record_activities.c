#include "application/record_activities.h"

void record_activities_init(struct record_activities *recorder, struct event_log *log,
                            const struct clock *clock, const struct random *random)
{
    recorder->log = log;
    activity_id_source_init(&recorder->ids, clock, random);
    atomic_init(&recorder->counters.received, 0);
    atomic_init(&recorder->counters.accepted, 0);
    atomic_init(&recorder->counters.rejected, 0);
    atomic_init(&recorder->counters.resent, 0);
    minute_counts_init(&recorder->minutes, clock);
}

/* The time of receipt never steps back, unlike the clock: activities that one client sends in
 * sequence keep their order although they carry no timestamps, and whoever erases a user knows what
 * came before. */
void record_activities_complete(struct record_activities *recorder, uint64_t now_ns,
                                struct activity_draft *draft, char id_text[UUID_TEXT_BYTES])
{
    struct activity *activity = &draft->activity;
    if (activity->id.data == NULL) {
        struct uuid id = activity_id_next(&recorder->ids, now_ns);
        uuid_format(id, id_text);
        activity->id = (struct str){.data = id_text, .len = UUID_TEXT_BYTES};
        activity->received_at_ms = activity_id_time_ms(id);
    } else {
        activity->received_at_ms = activity_id_next_time_ms(&recorder->ids, now_ns);
    }
    if (!draft->has_timestamp) {
        activity->timestamp_ms = activity->received_at_ms;
    }
}

enum status record_activities_append(struct record_activities *recorder,
                                     const struct activity *activities, size_t count,
                                     struct append_listener *listener, struct append_ticket ticket)
{
    return event_log_append(recorder->log, activities, count, listener, ticket);
}

int64_t record_activities_border_ms(struct record_activities *recorder)
{
    return activity_id_border_ms(&recorder->ids);
}

void record_activities_begin_at(struct record_activities *recorder, int64_t time_ms)
{
    activity_id_begin_at(&recorder->ids, time_ms);
}

void record_activities_count(struct record_activities *recorder, uint64_t received,
                             uint64_t accepted, uint64_t rejected)
{
    struct record_counters *counters = &recorder->counters;
    atomic_fetch_add_explicit(&counters->received, received, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->accepted, accepted, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->rejected, rejected, memory_order_relaxed);
    minute_counts_add(&recorder->minutes, (const uint64_t[]){received, accepted, rejected}, 3);
}

void record_activities_count_resent(struct record_activities *recorder, uint64_t resent)
{
    atomic_fetch_add_explicit(&recorder->counters.resent, resent, memory_order_relaxed);
    minute_counts_add(&recorder->minutes, (const uint64_t[RECORD_COUNTS]){0, 0, 0, resent},
                      RECORD_COUNTS);
}
