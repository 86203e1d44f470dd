/*
 * GET /metrics: what every part of the process tells of itself, for Prometheus; every role answers
 * it, and also while the store is away, since that is when somebody looks. A store that gave no
 * answer is not asked again for a while: a question may take as long as a scrape may.
 */
#include "application/metrics.h"
#include "interfaces/api/api_job.h"

enum { STORE_REST_MS = 10 * 1000 };

/* Who was not let in, and why. */
static void tell_access(struct metric_text *text, const struct api *api)
{
    static const struct metric denied = {"usertrail_http_denied_requests_total", METRIC_COUNTER,
                                         "Requests that were not let in, by why."};
    uint64_t unauthorized = 0;
    uint64_t forbidden = 0;
    uint64_t limited = 0;
    for (unsigned i = 0; i < api->config.loops; i++) {
        const struct api_access_counters *counters = &api->loops[i].access;
        unauthorized += counter_read(&counters->unauthorized);
        forbidden += counter_read(&counters->forbidden);
        limited += counter_read(&counters->limited);
    }
    metric_begin(text, &denied);
    metric_add(text, METRIC_LABELS({"reason", STR("unauthorized")}), unauthorized);
    metric_add(text, METRIC_LABELS({"reason", STR("forbidden")}), forbidden);
    metric_add(text, METRIC_LABELS({"reason", STR("rate-limited")}), limited);
}

static void tell_limits(struct metric_text *text, const struct api_access_config *config)
{
    static const struct metric rate = {
        "usertrail_rate_limit_per_second", METRIC_GAUGE,
        "Activities or requests that one may send a second, by whom; 0: there is no limit."};
    static const struct metric burst = {
        "usertrail_rate_limit_burst", METRIC_GAUGE,
        "Activities or requests that one may send at once, by whom; 0: there is no limit."};
    const struct rate_limit key = rate_limiter_limit(config->key_limiter);
    const struct rate_limit address = rate_limiter_limit(config->address_limiter);
    metric_begin(text, &rate);
    metric_add(text, METRIC_LABELS({"of", STR("key")}), key.per_second);
    metric_add(text, METRIC_LABELS({"of", STR("address")}), address.per_second);
    metric_begin(text, &burst);
    metric_add(text, METRIC_LABELS({"of", STR("key")}), key.burst);
    metric_add(text, METRIC_LABELS({"of", STR("address")}), address.burst);
}

/* Whether the store answered; it is not asked while it rests. */
static bool take_sums(struct api *api, struct accounting_sums *out_sums)
{
    struct error err;
    uint64_t now_ms = clock_monotonic_ms(api->config.clock);
    if (now_ms < atomic_load(&api->store_rests_until_ms)) {
        return false;
    }
    bool answered = accounting_take(api->config.accounting, out_sums, &err) == STATUS_OK;
    if (!answered) {
        now_ms = clock_monotonic_ms(api->config.clock);
        atomic_store(&api->store_rests_until_ms, now_ms + STORE_REST_MS);
    }
    return answered;
}

static void tell_sums(struct metric_text *text, struct api *api)
{
    struct accounting_sums sums;
    bool answers = take_sums(api, &sums);
    if (answers) {
        accounting_tell_metrics(text, &sums);
        accounting_sums_deinit(&sums);
    }
    metrics_tell_store(text, api->config.store, answers);
    if (answers) {
        metrics_tell_refusals(text, api->config.refusals->list);
    }
}

/* The edge is counted before the log, and that before the store, as for the sums. */
static void tell_all(struct metric_text *text, struct api *api)
{
    const struct api_config *config = &api->config;
    accounting_tell_edge(text, config->recorder);
    metrics_tell_log(text, config->log);
    tell_sums(text, api);
    if (config->worker != NULL) {
        metrics_tell_worker(text, config->worker);
    }
    metrics_tell_erasures(text, config->eraser);
    http_server_tell_metrics(api->server, text);
    tell_access(text, api);
    tell_limits(text, &config->access);
    api_reloads_tell_metrics(config->reloads, text);
    if (config->metrics != NULL) {
        config->metrics->tell(config->metrics, text);
    }
}

static void ask(struct api_job *job)
{
    struct metric_text text = {.buffer = &job->text};
    job->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    tell_all(&text, job->api);
}

void api_metrics(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct api_job), .ask = ask, .words = &api_question_words};
    struct api_job *job = api_job_new(call, &kind);
    if (job != NULL) {
        api_job_start(call, job, STATUS_OK, NULL);
    }
}
