#pragma once
/*
 * Moves what one event log holds into another, in order and each activity at least once: what the
 * target says is durable counts as moved, and only then may the source drop it. A batch whose fate
 * is unknown goes again, with the same ids, so that a store keeps it once. One append is under way
 * at a time, so that no failure turns the order round; after a failure a small one probes.
 *
 * Threads: one. The target's own thread tells its results, which is why a step waits for it.
 */
#include "application/event_log.h"
#include "base/clock.h"
#include "base/random.h"

/* Where an activity goes that the target will never take: one too large for it. */
struct forward_aside {
    /* Durable when it returns OK. After a crash the same one may come again. */
    enum status (*keep)(struct forward_aside *aside, const struct activity *activity,
                        struct error *err);
};

struct forward_activities_config {
    struct event_log *source; /* of activities only; borrowed, as all; nobody else polls it */
    struct event_log *target;
    struct forward_aside *aside; /* NULL: such an activity stays in front of the rest */
    const struct clock *clock;
    const struct random *random; /* for pauses */
    size_t rows_max;             /* in one append; 0 as below: the default */
    size_t bytes_max;            /* of their texts, behind the first one */
    size_t probe_rows;           /* in the first append after a failure */
    unsigned retry_ms_min;       /* the pause after the first failure, ... */
    unsigned retry_ms_max;       /* ... doubling up to this */
};

struct forward_progress {
    const struct position_set *positions; /* of the source: all below is moved or set aside */
    const struct position_set *reached;   /* in the target, the highest that took some */
    bool reached_lost;                    /* there was no memory to note all of them */
    uint64_t moved;                       /* activities, since the forwarder was made */
    uint64_t set_aside;                   /* likewise, and none of those that were moved */
    uint64_t per_second; /* as measured lately; 0: it does not move, or just began */
    unsigned failures;   /* in a row; 0: it goes well */
};

struct forward_activities;

MUST_USE enum status forward_activities_new(const struct forward_activities_config *config,
                                            struct forward_activities **out_forwarder,
                                            struct error *err);

/* No step may be under way. Takes NULL. */
void forward_activities_free(struct forward_activities *forwarder);
CLEANUP_FUNCTION(struct forward_activities *, forward_activities_free)

/* Moves one append's worth, or sets one activity aside, and returns when the target has told its
 * fate. With nothing in hand it polls, at most `wait_ms`; *out_count is 0 when nothing came.
 * Anything but OK is the word of the source, of the target or of where things are set aside; what
 * was in hand then goes again with the next step. TOO_LARGE, with nowhere to set it aside: the
 * target will never take the next activity. */
MUST_USE enum status forward_activities_step(struct forward_activities *forwarder, unsigned wait_ms,
                                             size_t *out_count, struct error *err);

/* How long to wait before the next step: 0 when the last one went well. */
unsigned forward_activities_pause_ms(struct forward_activities *forwarder);

/* Valid until the next step. */
struct forward_progress forward_activities_progress(const struct forward_activities *forwarder);

/* What a log of one partition holds, as offsets; nothing: both are its end. */
struct forward_waiting {
    int64_t begin;
    int64_t end;
};

/* Before anybody polled it: finds out what the log holds and leaves it at its beginning. */
MUST_USE enum status forward_activities_look(struct event_log *source,
                                             struct forward_waiting *out_waiting,
                                             struct error *err);

/* Who looks on while everything is moved. `go_on` is called between steps and several times a
 * second during a pause; false ends the run. `why` is NULL, or what the last step failed of. */
struct forward_watcher {
    bool (*go_on)(struct forward_watcher *watcher, const struct forward_progress *progress,
                  const struct error *why);
};

/* Steps until the source has nothing left (OK and *out_empty), the watcher has enough (OK), or
 * nothing moved for `give_up_ms`, which is the status of the last failure. */
MUST_USE enum status forward_activities_run(struct forward_activities *forwarder,
                                            uint64_t give_up_ms, struct forward_watcher *watcher,
                                            bool *out_empty, struct error *err);
