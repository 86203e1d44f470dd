#pragma once
/*
 * What the log says of an append, on its way to a client: counted, carried from the log's thread to
 * the loop of the request, and told there as durability and receipt, or as why nothing is promised.
 */
#include "interfaces/api/api_private.h"
#include "interfaces/http/http_exchange.h"

#define API_PROMISE_WITHOUT_ANSWER                                                                 \
    "the activities are durable, but there is no memory for the answer; a retry with the same "    \
    "ids stores nothing twice"

/* For the listeners of a loop's appends: counts the results and hands each to its exchange, where
 * `run` gets it on the loop, whether or not the client is still there, and ends with
 * api_promise_release. The log's thread. */
void api_promise_completed(struct api_loop *loop, const struct append_result *results,
                           size_t result_count, http_completion_function *run);

/* Whether a completion that is STATUS_OK came without its receipt, as there was no memory for it.
 * Loop thread, as for all below. */
bool api_promise_is_lost(const struct http_completion *completion);

/* "durability" and "receipt" as members of an object, of a completion that is STATUS_OK and not
 * lost. */
void api_promise_append(struct buffer *json, const struct http_completion *completion);

/* What several appends of one request came to. */
struct api_promise_sum {
    bool any;
    bool lost; /* there was no memory for all of it */
    enum durability weakest;
    struct uuid log_id;
    struct position_set reached;
};

void api_promise_sum_init(struct api_promise_sum *sum);
void api_promise_sum_deinit(struct api_promise_sum *sum);

/* Adds a completion that is STATUS_OK. Where the log changed between two of them, as a spill does,
 * the receipt names the last one. */
void api_promise_sum_add(struct api_promise_sum *sum, const struct http_completion *completion);

/* As api_promise_append, without a receipt when it is lost; of something only. */
void api_promise_sum_append(struct buffer *json, const struct api_promise_sum *sum);

/* Ends the span of the append, where there is one. The first takes NULL. */
void api_promise_end_span(struct http_exchange *exchange, const struct http_completion *completion);
void api_promise_end_refused_span(const struct api *api, struct http_exchange *exchange,
                                  enum status status);

/* Releases what a completion carries. */
void api_promise_release(const struct http_completion *completion);

/* Answers that the log did not take what was handed to it. */
void api_promise_answer_not_taken(const struct api *api, struct http_exchange *exchange,
                                  enum status status);

/* Answers that the log took it and could not keep its word. */
void api_promise_answer_not_durable(const struct api *api, struct http_exchange *exchange,
                                    enum status status);
