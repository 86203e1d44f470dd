#include "interfaces/api/api_promise.h"

#include "application/receipt.h"
#include "base/assert.h"
#include "interfaces/api/api_trace.h"

#include <stdlib.h>

enum { PROMISE_COMPLETIONS_AT_ONCE = 64 };

/* Where a batch got to in a log of several partitions; travels as a completion's data. */
struct reached_positions {
    size_t count;
    struct position items[];
};

/* Travels instead when there was no memory for them. */
static struct reached_positions lost;

static void append_durability(struct buffer *json, enum durability durability)
{
    buffer_append_literal(json, "\"durability\":\"");
    buffer_append_str(json, str_from(durability_name(durability)));
    buffer_append_char(json, '"');
}

static void append_receipt(struct buffer *json, struct uuid log_id, const struct position *reached,
                           size_t count)
{
    buffer_append_literal(json, ",\"receipt\":\"");
    receipt_encode(log_id, reached, count, json);
    buffer_append_char(json, '"');
}

/* The positions of a completion that is not lost. */
static const struct position *reached_of(const struct http_completion *completion,
                                         size_t *out_count)
{
    const struct reached_positions *several = completion->data;
    *out_count = several == NULL ? 1 : several->count;
    return several == NULL ? &completion->reached : several->items;
}

void api_promise_append(struct buffer *json, const struct http_completion *completion)
{
    size_t count;
    const struct position *reached = reached_of(completion, &count);
    append_durability(json, (enum durability)completion->detail);
    append_receipt(json, completion->log_id, reached, count);
}

void api_promise_sum_init(struct api_promise_sum *sum)
{
    *sum = (struct api_promise_sum){0};
    position_set_init(&sum->reached);
}

void api_promise_sum_deinit(struct api_promise_sum *sum)
{
    position_set_deinit(&sum->reached);
}

void api_promise_sum_add(struct api_promise_sum *sum, const struct http_completion *completion)
{
    enum durability durability = (enum durability)completion->detail;
    if (sum->any && !uuid_equal(sum->log_id, completion->log_id)) {
        position_set_deinit(&sum->reached);
        position_set_init(&sum->reached);
    }
    sum->weakest = !sum->any || durability < sum->weakest ? durability : sum->weakest;
    sum->log_id = completion->log_id;
    sum->any = true;
    sum->lost = sum->lost || api_promise_is_lost(completion);
    size_t count = 0;
    const struct position *reached = sum->lost ? NULL : reached_of(completion, &count);
    for (size_t i = 0; i < count; i++) {
        sum->lost = sum->lost || position_set_raise(&sum->reached, reached[i]) != STATUS_OK;
    }
}

void api_promise_sum_append(struct buffer *json, const struct api_promise_sum *sum)
{
    append_durability(json, sum->weakest);
    if (!sum->lost) {
        append_receipt(json, sum->log_id, sum->reached.items, sum->reached.count);
    }
}

bool api_promise_is_lost(const struct http_completion *completion)
{
    return completion->data == &lost;
}

void api_promise_end_span(struct http_exchange *exchange, const struct http_completion *completion)
{
    if (exchange != NULL) {
        enum durability durability = (enum durability)completion->detail;
        api_trace_end_append(exchange, completion->status, str_from(durability_name(durability)),
                             completion->at_ns);
    }
}

void api_promise_end_refused_span(const struct api *api, struct http_exchange *exchange,
                                  enum status status)
{
    if (api->config.tracer != NULL) {
        api_trace_end_append(exchange, status, (struct str){0},
                             clock_monotonic_ns(api->config.tracer->clock));
    }
}

void api_promise_release(const struct http_completion *completion)
{
    if (!api_promise_is_lost(completion)) {
        free(completion->data);
    }
}

/* Whether or not the client is still there: what became durable is in the log and is counted so. */
static void count_results(struct api_loop *loop, const struct append_result *results,
                          size_t result_count)
{
    uint64_t received = 0;
    uint64_t accepted = 0;
    for (size_t i = 0; i < result_count; i++) {
        received += results[i].count;
        accepted += results[i].status == STATUS_OK ? results[i].count : 0;
    }
    record_activities_count(loop->api->config.recorder, received, accepted, received - accepted);
}

/* The first or only position goes by value; whatever else there is, in memory of its own. */
static struct http_completion completion_of(const struct append_result *result,
                                            http_completion_function *run)
{
    struct http_completion completion = {
        .ticket = {result->ticket.loop, result->ticket.slot, result->ticket.generation},
        .run = run,
        .status = result->status,
        .detail = (int)result->durability,
        .log_id = result->log_id,
    };
    if (result->status != STATUS_OK) {
        return completion;
    }
    ASSERT(result->reached_count >= 1 && result->reached_count <= RECEIPT_POSITIONS_MAX);
    completion.reached = result->reached[0];
    if (result->reached_count > 1) {
        size_t bytes = result->reached_count * sizeof *result->reached;
        struct reached_positions *several = malloc(sizeof *several + bytes);
        if (several == NULL) {
            completion.data = &lost;
            return completion;
        }
        several->count = result->reached_count;
        memcpy(several->items, result->reached, bytes);
        completion.data = several;
    }
    return completion;
}

void api_promise_completed(struct api_loop *loop, const struct append_result *results,
                           size_t result_count, http_completion_function *run)
{
    struct http_completion completions[PROMISE_COMPLETIONS_AT_ONCE];
    const struct tracer *tracer = loop->api->config.tracer;
    uint64_t at_ns = tracer == NULL ? 0 : clock_monotonic_ns(tracer->clock);
    size_t used = 0;
    count_results(loop, results, result_count);
    for (size_t i = 0; i < result_count; i++) {
        completions[used] = completion_of(&results[i], run);
        completions[used++].at_ns = at_ns;
        if (used == ARRAY_LENGTH(completions) || i + 1 == result_count) {
            http_server_complete(loop->api->server, completions, used);
            used = 0;
        }
    }
}

void api_promise_answer_not_taken(const struct api *api, struct http_exchange *exchange,
                                  enum status status)
{
    static const char *const details[STATUS_COUNT] = {
        [STATUS_BUSY] = "the queue in front of the event log is full; nothing of this request was "
                        "accepted, send it again later",
        [STATUS_NO_SPACE] =
            "the event log has no space left; nothing of this request was accepted, "
            "send it again when space was made",
        [STATUS_TOO_LARGE] =
            "this is more than the event log takes at once; send fewer activities, "
            "or smaller ones",
        [STATUS_NO_MEMORY] = "there is no memory for this request now; nothing of it was accepted, "
                             "send it again later",
    };
    const char *detail = details[status];
    api_answer_not_appended(api, exchange, status,
                            detail != NULL
                                ? detail
                                : "the event log does not accept activities now; nothing of "
                                  "this request was accepted, send it again later");
}

void api_promise_answer_not_durable(const struct api *api, struct http_exchange *exchange,
                                    enum status status)
{
    api_answer_not_appended(
        api, exchange, status,
        status == STATUS_NO_SPACE
            ? "the event log has no space left; nothing of this request was "
              "accepted, send it again when space was made"
            : "the activity could not be made durable and may or may not have been "
              "kept; send it again with the same id");
}
