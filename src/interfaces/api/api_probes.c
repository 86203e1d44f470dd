/*
 * Probes: /livez (the process turns), /readyz (send requests here), /health (what state log, worker
 * and store are in). The first two are answered from memory on the loop; /health asks the store on
 * a pool thread.
 */
#include "base/assert.h"
#include "base/json_text.h"
#include "interfaces/api/api_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEALTH_BYTES_MAX = 16 * 1024 };

void api_probe_live(const struct api_call *call)
{
    api_answer_json(call->exchange, 200, STR("{\"status\":\"alive\"}"));
}

struct condition {
    struct event_log_state log;
    struct store_activities_state worker;
    bool has_worker;  /* in this process; else its state is that of one with nothing to do */
    bool probes_only; /* nobody asks here, so being behind is no reason to stay away */
    bool draining;
};

static void observe(const struct api *api, struct condition *out_condition)
{
    event_log_describe(api->config.log, &out_condition->log);
    out_condition->probes_only = api->config.probes_only;
    out_condition->has_worker = api->config.worker != NULL;
    if (out_condition->has_worker) {
        store_activities_describe(api->config.worker, &out_condition->worker);
    } else {
        out_condition->worker =
            (struct store_activities_state){.condition = WORKER_RUNNING, .caught_up = true};
    }
    out_condition->draining = atomic_load(&api->draining);
}

static const char *worker_name(enum worker_condition condition)
{
    static const char *const names[] = {
        [WORKER_STARTING] = "starting", [WORKER_RUNNING] = "running",
        [WORKER_RETRYING] = "retrying", [WORKER_STOPPED] = "stopped",
        [WORKER_FAILED] = "failed",
    };
    return names[condition];
}

/* Why requests should go elsewhere, NULL when they should come here. A full log is still ready:
 * reads work, and writes are told 507. */
static const char *why_not_ready(const struct condition *condition)
{
    if (condition->draining) {
        return "this server is shutting down";
    }
    if (condition->log.accepting == STATUS_UNAVAILABLE) {
        return condition->log.reason;
    }
    if (condition->worker.condition == WORKER_FAILED) {
        return condition->worker.reason;
    }
    if (!condition->probes_only && !condition->worker.caught_up) {
        return condition->worker.reason[0] != '\0'
                   ? condition->worker.reason
                   : "the store is still being filled from the event log after the start";
    }
    return NULL;
}

/* Requests are served, but somebody should look: the log is full, damaged or kept on this machine's
 * disk for now, this disk would take nothing if it had to, or the store takes nothing. A spill that
 * takes nothing keeps no request away while the log can be reached: elsewhere it would be served no
 * better, and where all servers share what is wrong, nobody would be left to serve it. */
static bool is_degraded(const struct condition *condition)
{
    return condition->log.accepting != STATUS_OK || condition->log.missing > 0 ||
           condition->log.spill.activities > 0 || condition->log.spill.accepting != STATUS_OK ||
           condition->worker.condition != WORKER_RUNNING;
}

static void append_member(struct buffer *json, const char *name, struct str text)
{
    buffer_append_format(json, "\"%s\":", name);
    json_text_append_string(json, text);
}

static void append_number(struct buffer *json, const char *name, uint64_t number)
{
    buffer_append_format(json, ",\"%s\":%llu", name, (unsigned long long)number);
}

static void append_spill(struct buffer *json, const struct event_log_spill_state *spill)
{
    buffer_append_literal(json, ",\"spill\":{\"activities\":");
    buffer_append_u64(json, spill->activities);
    append_number(json, "bytes", spill->bytes);
    append_number(json, "bytesMax", spill->bytes_max);
    append_number(json, "retryAfter", spill->retry_after_s);
    buffer_append_char(json, ',');
    append_member(json, "state", str_from(status_name(spill->accepting)));
    if (spill->reason[0] != '\0') {
        buffer_append_char(json, ',');
        append_member(json, "reason", str_from(spill->reason));
    }
    buffer_append_char(json, '}');
}

static void append_log(struct buffer *json, const struct event_log_state *log)
{
    buffer_append_literal(json, "\"eventLog\":{");
    append_member(json, "kind", str_from(log->kind));
    buffer_append_char(json, ',');
    append_member(json, "state", str_from(status_name(log->accepting)));
    buffer_append_char(json, ',');
    append_member(json, "durability", str_from(durability_name(log->durability)));
    append_number(json, "bytes", log->bytes);
    append_number(json, "bytesMax", log->bytes_max);
    append_number(json, "missing", log->missing);
    if (log->spill.configured) {
        append_spill(json, &log->spill);
    }
    if (log->reason[0] != '\0') {
        buffer_append_char(json, ',');
        append_member(json, "reason", str_from(log->reason));
    }
    buffer_append_char(json, '}');
}

static void append_worker(struct buffer *json, const struct condition *condition)
{
    const struct store_activities_state *worker = &condition->worker;
    if (!condition->has_worker) {
        return;
    }
    buffer_append_literal(json, ",\"worker\":{");
    append_member(json, "state", str_from(worker_name(worker->condition)));
    append_number(json, "pending", worker->pending);
    append_number(json, "stored", worker->verdicts[VERDICT_STORED]);
    append_number(json, "duplicate", worker->verdicts[VERDICT_DUPLICATE]);
    append_number(json, "conflict", worker->verdicts[VERDICT_CONFLICT]);
    append_number(json, "redelivered", worker->verdicts[VERDICT_REDELIVERED]);
    append_number(json, "refused", worker->refused);
    append_number(json, "erased", worker->verdicts[VERDICT_ERASED]);
    append_number(json, "expired", worker->expired);
    if (worker->reason[0] != '\0') {
        buffer_append_char(json, ',');
        append_member(json, "reason", str_from(worker->reason));
    }
    buffer_append_char(json, '}');
}

static void append_store(struct buffer *json, const struct activity_store_state *store)
{
    buffer_append_literal(json, ",\"store\":{");
    append_member(json, "kind", str_from(store->kind));
    buffer_append_format(json, ",\"durable\":%s", store->durable ? "true" : "false");
    append_number(json, "activities", store->activities);
    append_number(json, "bytes", store->bytes);
    buffer_append_char(json, '}');
}

static void append_edge(struct buffer *json, struct record_counters *counters)
{
    buffer_append_literal(json, ",\"requests\":{\"received\":");
    buffer_append_u64(json, atomic_load(&counters->received));
    append_number(json, "accepted", atomic_load(&counters->accepted));
    append_number(json, "rejected", atomic_load(&counters->rejected));
    buffer_append_char(json, '}');
}

static void append_refused(struct buffer *json, struct refusal_list *list)
{
    struct refusal_list_state refused;
    refusal_list_describe(list, &refused);
    buffer_append_literal(json, ",\"refused\":{\"listed\":");
    buffer_append_u64(json, refused.listed);
    append_number(json, "bytes", refused.bytes);
    append_number(json, "dropped", refused.dropped);
    buffer_append_char(json, '}');
}

static void append_erasures(struct buffer *json, struct erase_user *eraser)
{
    buffer_append_literal(json, ",\"erasures\":{\"count\":");
    buffer_append_u64(json, atomic_load(&eraser->erasures));
    append_number(json, "activities", atomic_load(&eraser->activities));
    buffer_append_char(json, '}');
}

static void answer_not_ready(struct http_exchange *exchange, const char *why, struct str members)
{
    struct http_problem problem = api_problem_make(API_PROBLEM_NOT_READY, why);
    problem.members = members;
    http_problem_respond(exchange, &problem, NULL);
}

void api_probe_ready(const struct api_call *call)
{
    struct condition condition;
    observe(call->api, &condition);
    const char *why = why_not_ready(&condition);
    struct buffer *json = &api_call_loop(call)->answer;
    buffer_clear(json);
    bool verbose = call->request->query.len > 0;
    if (verbose) {
        append_log(json, &condition.log);
        append_worker(json, &condition);
    }
    if (why != NULL) {
        answer_not_ready(call->exchange, why, buffer_str(json));
        return;
    }
    char document[HEALTH_BYTES_MAX];
    int len = snprintf(document, sizeof document, "{\"status\":\"ready\"%s%.*s}",
                       verbose ? "," : "", STR_FORMAT(buffer_str(json)));
    ASSERT(len > 0 && (size_t)len < sizeof document);
    api_answer_json(call->exchange, 200, (struct str){document, (size_t)len});
}

struct health_job {
    struct api *api;
    struct condition condition;
    struct buffer members;
};

static void look_at_store(void *data)
{
    struct health_job *job = data;
    struct activity_store_state store;
    activity_store_describe(job->api->config.store, &store);
    append_log(&job->members, &job->condition.log);
    append_store(&job->members, &store);
    append_worker(&job->members, &job->condition);
    append_edge(&job->members, &job->api->config.recorder->counters);
    append_refused(&job->members, job->api->config.refusals->list);
    append_erasures(&job->members, job->api->config.eraser);
    api_access_append_health(job->api, &job->members);
    api_reloads_append_health(job->api->config.reloads, &job->members);
    buffer_append_literal(&job->members, ",\"version\":");
    json_text_append_string(&job->members, str_from(job->api->config.version));
}

static void answer_health(struct http_exchange *exchange, void *data)
{
    struct health_job *job = data;
    const char *why = why_not_ready(&job->condition);
    if (exchange != NULL && why != NULL) {
        answer_not_ready(exchange, why, buffer_str(&job->members));
    } else if (exchange != NULL) {
        struct buffer json;
        buffer_init(&json, HEALTH_BYTES_MAX);
        buffer_append_str(&json, is_degraded(&job->condition) ? STR("{\"status\":\"degraded\",")
                                                              : STR("{\"status\":\"ok\","));
        buffer_append_str(&json, buffer_str(&job->members));
        buffer_append_char(&json, '}');
        api_answer_json(exchange, 200, buffer_str(&json));
        buffer_deinit(&json);
    }
    buffer_deinit(&job->members);
    free(job);
}

void api_probe_health(const struct api_call *call)
{
    struct health_job *job = malloc(sizeof *job);
    enum status status = STATUS_NO_MEMORY;
    if (job != NULL) {
        job->api = call->api;
        buffer_init(&job->members, HEALTH_BYTES_MAX);
        observe(call->api, &job->condition);
        status = http_exchange_offload(call->exchange, look_at_store, answer_health, job);
    }
    if (status != STATUS_OK) {
        free(job);
        api_answer_problem(call->exchange, status, "the state cannot be told now; ask again");
    }
}
