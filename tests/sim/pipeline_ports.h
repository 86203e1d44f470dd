#pragma once
/*
 * What stands between the worker and the real log and store in the simulation: it watches that
 * nothing is committed which the store did not make durable and that rows come in order, turns some
 * rows into refused messages, and lets calls of the store fail on command. The first trouble is
 * kept. One thread, the worker's.
 */
#include "application/event_log.h"
#include "pipeline_ledger.h"

enum { WATCHED_ROWS_MAX = 16 }; /* that the worker may ask for at once */

struct watched_ports {
    struct event_log log;
    struct activity_store store;
    struct event_log *inner_log;
    struct activity_store *inner_store;
    const struct ledger *ledger;
    const struct random *random;
    struct logged_activity rows[WATCHED_ROWS_MAX]; /* of the last poll */
    struct refusal refused[WATCHED_ROWS_MAX];
    unsigned failures;                 /* so many of the next calls of the store fail */
    const void *last_rows;             /* the batch put last, which may come again */
    const struct ledger_entry *newest; /* posted once and put last since the worker began */
    char trouble[LEDGER_TROUBLE_BYTES];
};

/* For a worker that begins anew on `inner_log` and `inner_store`; trouble stays. */
void watched_ports_begin(struct watched_ports *ports, struct event_log *inner_log,
                         struct activity_store *inner_store);
