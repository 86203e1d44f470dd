#pragma once
/*
 * A decorator that keeps accepting while the log behind it, the inner one, cannot be reached:
 *
 *   direct     appends go to the inner log; a copy of each is held until it is confirmed
 *   giving up  an append failed or timed out: the inner log is told to give up what it has under
 *              way, and new appends are held. Nothing is decided before the fate of each is known
 *   spilling   what was not confirmed goes to the spill in the order of appending, everything new
 *              behind it, each answered when it is durable there. A thread moves what the spill
 *              holds into the inner log
 *   returning  little is left: new appends are held, so that the spill becomes empty also under
 *              load. When all of it is confirmed they go to the inner log, in order, and then
 *              appends are direct again
 *
 * What the inner log wrote without being able to say so stands twice in it, under the same id. In
 * all this the appends of one thread keep their order, as far as the inner log keeps it.
 *
 * A spill that an earlier process left is moved first. When it is freed, the log moves what it can
 * for `drain_ms` and leaves the rest in the spill. poll, seek, commit and end_position are the
 * inner log's. Threads: as event_log.h says; two of its own.
 */
#include "application/event_log.h"
#include "application/moved_activities.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "infrastructure/disk/disk.h"
#include "infrastructure/event_log_spill/topic_mark.h"

struct event_log_spill_config {
    struct event_log *inner; /* taken over, as the spill is */
    struct event_log *spill; /* durable on this machine and nobody else's; with a limit of bytes
                                that is twice that of the largest append at least */
    struct disk *disk;       /* of the spill, ... */
    const char *spill_dir; /* ... and its folder, where it stands how far it was moved, and what the
                              inner log will never take is set aside; outlives the log. NULL:
                              nowhere: a crash brings all up again that it holds, and what will
                              never be taken stays in front of the rest */
    const struct topic_mark *topic; /* what the inner log is, for that folder to keep; NULL: it is
                                       no topic. Only looked at while the log is made */
    /* Lets the inner log complete soon what was appended to it, failed unless confirmed, and begin
     * anew where it has to; called after each failure, perhaps several times. Between a failure
     * and this the inner log ought to confirm nothing behind what failed: whatever it does confirm
     * there has overtaken it. NULL: it does all this by itself. */
    void (*give_up)(void *context);
    void *give_up_context;
    const char *data_dir;  /* for words: what `usertrail forward` is given; outlives the log */
    size_t held_bytes_max; /* of copies in memory; 0 as below: the default. Beyond it: BUSY */
    unsigned drain_ms;
    unsigned retry_ms_min; /* between attempts to move, as forward_activities.h */
    unsigned retry_ms_max;
    const struct clock *clock;
    const struct random *random; /* thread-safe */
    const struct logger *logger;
};

/* On a full disk it opens without keeping the topic if nothing waits in the spill. NO_SPACE: there
 * is no room for that, and something waits. CORRUPT: what the spill holds is meant for another
 * topic, though the settings are the same: nobody asked for it to go to this one. With other
 * settings somebody did. On failure inner log and spill stay the caller's. */
MUST_USE enum status event_log_spill_new(const struct event_log_spill_config *config,
                                         struct event_log **out_log, struct error *err);

/* What became of activities whose receipts name the spill. What was moved before this log was made
 * is not known. Lives as long as the log. */
struct moved_activities *event_log_spill_moved(struct event_log *log);
