#pragma once
/*
 * A spilling log between a remote log that comes and goes and a local one on a simulated disk, with
 * clients that append numbered activities and remember what they were told. Clients may be on
 * several threads, one thread for each; the rest is one thread's.
 */
#include "contract/event_log_contract_support.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_spill/event_log_spill.h"
#include "remote_log.h"

enum {
    SPILL_CLIENTS_MAX = 8,
    SPILL_APPENDS_MAX = 100000, /* of all clients */
    SPILL_APPEND_MAX = 8,       /* activities */
    SPILL_TROUBLE_BYTES = 160,
    SPILL_SET_ASIDE_MAX = 1000
};

enum spill_end { SPILL_END_CLEAN, SPILL_END_KILL, SPILL_END_POWER };

struct spill_options {
    uint64_t seed;
    bool lying_fsync;
    bool overtaking;        /* the negative control: at times a client writes past what waits */
    uint64_t refuses_every; /* as remote_refuse_every */
    uint64_t spill_bytes_max;
    size_t held_bytes_max;
    unsigned drain_ms;
    unsigned look_every_ms; /* at the spill's disk */
    const struct topic_mark *topic;
};

struct spill_append {
    uint64_t first; /* number */
    size_t count;
    unsigned results;
    enum status status;
    enum durability durability;
    struct uuid log_id;
    struct position reached;
};

struct spill_rig {
    struct spill_options options;
    struct disk *disk;
    struct remote remote;
    struct event_log *log;
    struct logger logger;
    struct random_seeded seeded; /* for what the machine draws */
    struct random random;
    struct append_listener listener;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t told;
    struct spill_append *appends;
    size_t append_count;
    size_t open; /* accepted and not told */
    uint64_t next[SPILL_CLIENTS_MAX];
};

void spill_rig_init(struct spill_rig *rig, const struct spill_options *options);
void spill_rig_deinit(struct spill_rig *rig);

/* False when the spill does not open: its disk lied, or it holds what is meant for another topic.
 */
MUST_USE bool spill_rig_open(struct spill_rig *rig);
void spill_rig_close(struct spill_rig *rig, enum spill_end end);

/* The log's answer; on OK *out_append, if asked for, is where the result will stand. */
MUST_USE enum status spill_rig_append(struct spill_rig *rig, unsigned client, size_t count,
                                      size_t *out_append);

/* Appends one, waits and returns what was told. */
struct spill_append spill_rig_append_and_wait(struct spill_rig *rig, unsigned client);

/* False after 20 seconds. */
bool spill_rig_wait_told(struct spill_rig *rig);
bool spill_rig_wait_direct(struct spill_rig *rig);

struct event_log_state spill_rig_state(struct spill_rig *rig);

/* The numbers that were set aside, and how many they are. */
size_t spill_rig_set_aside(const struct spill_rig *rig, uint64_t numbers[SPILL_SET_ASIDE_MAX]);

/* Holds what the remote log has against what the clients were told. False with the broken promise;
 * nothing may be under way. */
bool spill_rig_check(struct spill_rig *rig, char trouble[SPILL_TROUBLE_BYTES]);
