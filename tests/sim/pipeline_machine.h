#pragma once
/*
 * One simulated machine that runs the pipeline: clients that post, the local event log on a
 * simulated disk, the worker, the local refused list, and the local store on the same disk, or a
 * double of a durable store that loses what it had not synced. Everything follows from the seed:
 * clients wait for their answers, and nothing goes on before the log's own thread sleeps, so that
 * the disk sees the same operations in every run. One thread.
 */
#include "application/store_activities.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "pipeline_ledger.h"
#include "pipeline_ports.h"

#include <pthread.h>
#include <stdatomic.h>

enum { POSTS_AT_ONCE_MAX = 4, POST_ACTIVITIES_MAX = 12 };

enum pipeline_store { PIPELINE_STORE_AT_PUT, PIPELINE_STORE_AT_SYNC, PIPELINE_STORE_LOCAL };

struct pipeline_options {
    uint64_t seed;
    bool lying_fsync; /* the negative control */
    enum pipeline_store store;
};

enum restart_kind {
    RESTART_CLEAN, /* as SIGTERM does it */
    RESTART_KILL,  /* the process is gone, the disk is not */
    RESTART_POWER  /* the power is gone */
};

/* A request of a client that waits for its answer. */
struct post {
    struct ledger_entry *entries[POST_ACTIVITIES_MAX];
    size_t count;
    enum status status;
    int64_t reached;
};

struct pipeline {
    struct pipeline_options options;
    struct random_seeded seeded;
    struct random random;
    uint64_t now_ns;
    struct clock clock;
    struct logger logger;
    struct disk *disk;
    uint64_t cut_at; /* count of operations at which the power goes; 0: it stays */
    struct event_log *log;
    struct activity_store *store;
    struct refusal_list *refusals;
    struct watched_ports ports;
    struct store_activities *worker;
    struct record_activities recorder;
    struct ledger ledger;
    int64_t acknowledged_end; /* behind the newest offset that a client was told */

    struct append_listener listener;
    pthread_mutex_t mutex; /* guards what the log's thread writes */
    pthread_cond_t answered;
    struct post posts[POSTS_AT_ONCE_MAX];
    size_t posts_open;
    _Atomic int log_thread; /* its number in /proc; 0: not known yet */

    char trouble[LEDGER_TROUBLE_BYTES]; /* the first broken promise; "": none */
};

void pipeline_init(struct pipeline *pipeline, const struct pipeline_options *options);
void pipeline_deinit(struct pipeline *pipeline);

/* Each does nothing once there is trouble. */
void pipeline_post(struct pipeline *pipeline);       /* one request, new or tried again */
void pipeline_post_group(struct pipeline *pipeline); /* some that wait for the same commit */
void pipeline_step(struct pipeline *pipeline);       /* one turn of the worker */
void pipeline_sync(struct pipeline *pipeline);       /* the store makes durable what it has */
void pipeline_fail_store(struct pipeline *pipeline); /* the next calls of the store fail */
void pipeline_fail_disk(struct pipeline *pipeline);  /* one of the next operations fails */
void pipeline_cut_power_soon(struct pipeline *pipeline);
void pipeline_restart(struct pipeline *pipeline, enum restart_kind kind);

/* Whether the power went, as ordered. */
bool pipeline_is_dark(struct pipeline *pipeline);

/* With everything healed: the worker catches up, and the store is judged by the ledger. */
void pipeline_check(struct pipeline *pipeline);

/* A covered log must have dropped its segments and accept again. */
void pipeline_check_drained(struct pipeline *pipeline);
