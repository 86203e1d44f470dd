#pragma once
/*
 * The sums of promise 3, for whoever wants to see that they add up:
 *
 *     edge   received = accepted + rejected, once what is under way is answered; of this process,
 *            since its start. What was sent again out of the refused list is a line of its own.
 *     log    end - start = stored + duplicate + conflict + refused + erased + empty + pending, from
 *            the account that the store keeps of the log (domain/log_account.h), over all restarts
 *            and of all workers, as far as the store itself is durable.
 *
 * What /health says of a worker are the verdicts of the same put_batch calls, since the start of
 * that process. Per minute the last hour is told, of this process: a restart forgets it.
 *
 * Any thread but an event loop's, since a store may have to be asked.
 */
#include "application/record_activities.h"
#include "application/store_activities.h"
#include "base/buffer.h"
#include "base/metric_text.h"

struct accounting {
    struct event_log *log; /* borrowed, as all of these */
    struct activity_store *store;
    struct record_activities *recorder;
    struct store_activities *worker; /* NULL: in other processes */
    const struct clock *clock;
    int64_t since_ms; /* when this process began to count */
};

void accounting_init(struct accounting *self, const struct accounting *parts);

struct edge_sums {
    uint64_t received;
    uint64_t accepted;
    uint64_t rejected;
    uint64_t resent;
};

struct accounting_sums {
    int64_t since_ms;
    struct edge_sums edge;
    struct event_log_state log;
    struct position_set ends; /* of the log, of the partitions that this process knows */
    struct coverage accounts; /* the log's own is the first */
    bool has_worker;          /* its minutes are in this process */
    struct minute_sums edge_minutes[MINUTES_KEPT];
    size_t edge_minute_count;
    struct minute_sums worker_minutes[MINUTES_KEPT];
    size_t worker_minute_count;
};

/* What the store says, and NO_MEMORY; on failure there is nothing to free. */
MUST_USE enum status accounting_take(const struct accounting *self,
                                     struct accounting_sums *out_sums, struct error *err);
void accounting_sums_deinit(struct accounting_sums *sums);

/* received - accepted - rejected: what is under way. */
int64_t accounting_edge_difference(const struct accounting_sums *sums);

/* What is in the log and has no outcome yet; of another log than the one in use it is not known. */
uint64_t accounting_pending(const struct accounting_sums *sums, const struct log_coverage *log);

/* Whether the edge and all logs add up. */
bool accounting_closes(const struct accounting_sums *sums);

/* accounting_text.c: the whole as JSON, an object. accounting_metrics.c: the sums without minutes
 * as metrics. Of very many logs or partitions only the first are told. */
void accounting_append_json(struct buffer *buffer, const struct accounting_sums *sums);
void accounting_tell_metrics(struct metric_text *text, const struct accounting_sums *sums);

/* What needs no store: the edge of a process whose store is away. */
void accounting_tell_edge(struct metric_text *text, const struct record_activities *recorder);

enum { ACCOUNTING_LOGS_TOLD_MAX = 100 };
