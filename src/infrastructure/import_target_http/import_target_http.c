#include "infrastructure/import_target_http/import_target_http.h"

#include "application/activity_json_answer.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "infrastructure/http_client/http_handle.h"
#include "infrastructure/import_target_http/import_answer_json.h"
#include "infrastructure/import_target_http/import_pause.h"
#include "infrastructure/import_target_http/import_transfer.h"

#include <stdio.h>
#include <stdlib.h>

enum { TRANSFERS = 4, URL_BYTES_MAX = 1100, HTTP_OK_CLASS = 2 };

#define COLLECTION "/api/v1/activities"

/* Whatever some server may allow: it knows its own limits and says what is beyond them. */
static const struct activity_rules widest_rules = {
    .user_id_code_points_max = USER_ID_BYTES_MAX,
    .action_code_points_max = ACTION_BYTES_MAX,
    .metadata_bytes_max = IMPORT_LINE_BYTES_MAX,
    .metadata_depth_max = ACTIVITY_JSON_DEPTH_MAX,
    .timestamp_ahead_ms_max = TIMESTAMP_MS_MAX,
};

struct import_target_http {
    struct import_target base;
    struct import_target_http_config config;
    char url[URL_BYTES_MAX];
    CURLM *multi;
    struct curl_slist *headers;
    struct import_transfer transfers[TRANSFERS];
    size_t rows_max;        /* in one array; see shrink and grow */
    uint64_t progressed_ms; /* when an array was last answered for good */
    bool answered;          /* the server has once been there */
};

static struct import_target_http *target_of(struct import_target *base)
{
    return CONTAINER_OF(base, struct import_target_http, base);
}

static void describe(struct import_target *base, struct import_target_state *out_state)
{
    const struct import_target_http *target = target_of(base);
    *out_state = (struct import_target_state){
        .rules = &widest_rules,
        .line_bytes_max = IMPORT_LINE_BYTES_MAX,
        .batches_max = TRANSFERS,
    };
    snprintf(out_state->name, sizeof out_state->name, "the server %.120s", target->config.url);
}

/* Sending ----------------------------------------------------------------------------------- */

static enum status curl_failed(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to send activities");
}

/* Sends what of the batch is not answered yet, at most as much as the server takes at once. */
static enum status start(struct import_target_http *target, struct import_transfer *transfer,
                         struct error *err)
{
    size_t left = transfer->batch->row_count - transfer->begin;
    transfer->count = left < target->rows_max ? left : target->rows_max;
    if (import_transfer_prepare(transfer) != STATUS_OK ||
        curl_multi_add_handle(target->multi, transfer->curl) != CURLM_OK) {
        return curl_failed(err);
    }
    transfer->condition = TRANSFER_UNDER_WAY;
    return STATUS_OK;
}

/* One that is free. When all are, patience begins anew. */
static struct import_transfer *find_free(struct import_target_http *target)
{
    struct import_transfer *found = NULL;
    bool idle = true;
    for (size_t i = 0; i < TRANSFERS; i++) {
        bool free = target->transfers[i].condition == TRANSFER_FREE;
        found = free ? &target->transfers[i] : found;
        idle = idle && free;
    }
    ASSERT(found != NULL);
    if (idle) {
        target->progressed_ms = clock_monotonic_ms(target->config.clock);
    }
    return found;
}

static enum status submit(struct import_target *base, struct import_batch *batch, struct error *err)
{
    struct import_target_http *target = target_of(base);
    struct import_transfer *transfer = find_free(target);
    transfer->batch = batch;
    transfer->begin = 0;
    transfer->attempts = 0;
    return start(target, transfer, err);
}

/* Answers ----------------------------------------------------------------------------------- */

static bool refuse_row(void *context, size_t index, struct str problem)
{
    struct import_transfer *transfer = context;
    return import_batch_refuse_row(transfer->batch, transfer->begin + index, problem);
}

/* A single row that is refused as a whole: its problem is the answer's. */
static enum status refuse_single(struct import_transfer *transfer, struct error *err)
{
    ASSERT(transfer->count == 1);
    const struct import_answer_visitor visitor = {refuse_row, transfer};
    return import_answer_refuse_whole(buffer_str(&transfer->answer), &visitor, err);
}

/* An array is refused as a whole for its size or for a line in it. Halves find either; then arrays
 * grow again, since one such line says nothing about the others. */
static void shrink(struct import_target_http *target, size_t refused)
{
    target->rows_max = (refused + 1) / 2;
}

static void grow(struct import_target_http *target)
{
    size_t more = target->rows_max + target->rows_max / 4 + 1;
    target->rows_max = more < IMPORT_ROWS_MAX ? more : IMPORT_ROWS_MAX;
}

/* The rows under way are through. */
static enum status go_on(struct import_target_http *target, struct import_transfer *transfer,
                         struct import_batch **out_batch, struct error *err)
{
    target->progressed_ms = clock_monotonic_ms(target->config.clock);
    transfer->attempts = 0;
    transfer->begin += transfer->count;
    grow(target);
    if (transfer->begin < transfer->batch->row_count) {
        return start(target, transfer, err);
    }
    transfer->condition = TRANSFER_FREE;
    *out_batch = transfer->batch;
    return STATUS_OK;
}

/* Tries again later, the last time when patience ends, or gives up. `words` say what happened. */
static enum status pause_transfer(struct import_target_http *target,
                                  struct import_transfer *transfer, const char *words,
                                  struct error *err)
{
    uint64_t now_ms = clock_monotonic_ms(target->config.clock);
    uint64_t limit_ms = target->progressed_ms + target->config.give_up_ms;
    if (now_ms >= limit_ms) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "%s", words);
    }
    uint64_t pause_ms = import_pause_ms(++transfer->attempts, transfer->retry_after_ms);
    transfer->condition = TRANSFER_PAUSED;
    transfer->again_ms = now_ms + pause_ms < limit_ms ? now_ms + pause_ms : limit_ms;
    if (transfer->attempts > 1) {
        target->config.notices->waiting(target->config.notices, words);
    }
    return STATUS_OK;
}

static enum status take_refusal(struct import_target_http *target, struct import_transfer *transfer,
                                long code, struct import_batch **out_batch, struct error *err)
{
    char detail[ANSWER_DETAIL_BYTES];
    char words[ERROR_MESSAGE_BYTES];
    activity_json_answer_detail(buffer_str(&transfer->answer), detail);
    snprintf(words, sizeof words, "the server answers %ld: %.120s", code, detail);
    if (code == 408 || code == 429 || code == 503 || code == 507) {
        return pause_transfer(target, transfer, words, err);
    }
    if ((code == 400 || code == 413) && transfer->count > 1) {
        shrink(target, transfer->count);
        return start(target, transfer, err);
    }
    if (code == 400 || code == 413) {
        enum status status = refuse_single(transfer, err);
        return status == STATUS_OK ? go_on(target, transfer, out_batch, err) : status;
    }
    const char *hint = code == 401 ? "; name a file that holds a key by --key-file" : "";
    return error_set(err, STATUS_UNAVAILABLE, 0, "%s%s", words, hint);
}

static enum status take_answer(struct import_target_http *target, struct import_transfer *transfer,
                               struct import_batch **out_batch, struct error *err)
{
    long code = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &code);
    target->answered = true;
    enum status status = STATUS_NOT_FOUND;
    if (code == 202 || code == 400) {
        const struct import_answer_visitor visitor = {refuse_row, transfer};
        status = import_answer_read(buffer_str(&transfer->answer), transfer->count, &visitor, err);
    }
    if (status == STATUS_OK) {
        return go_on(target, transfer, out_batch, err);
    }
    if (status != STATUS_NOT_FOUND) {
        return status; /* some rows may have been told of already */
    }
    if (code / 100 == HTTP_OK_CLASS) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "what answers %ld at %.60s is no server of this kind", code,
                         target->config.url);
    }
    return take_refusal(target, transfer, code, out_batch, err);
}

/* No answer. Before the first one nobody is waited for: the address may be wrong. */
static enum status take_failure(struct import_target_http *target, struct import_transfer *transfer,
                                CURLcode code, struct error *err)
{
    char words[ERROR_MESSAGE_BYTES];
    if (transfer->answer.failed != STATUS_OK) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "the answer of %.60s is too large",
                         target->config.url);
    }
    snprintf(words, sizeof words, "%.60s does not answer: %.70s", target->config.url,
             curl_easy_strerror(code));
    if (!target->answered || code == CURLE_OUT_OF_MEMORY) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "%s", words);
    }
    return pause_transfer(target, transfer, words, err);
}

/* The next transfer that has ended, if any. */
static enum status take_ended(struct import_target_http *target, struct import_batch **out_batch,
                              struct error *err)
{
    enum status status = STATUS_OK;
    int left;
    CURLMsg *message;
    while (status == STATUS_OK && *out_batch == NULL &&
           (message = curl_multi_info_read(target->multi, &left)) != NULL) {
        CURLcode code = message->data.result; /* the message is gone with its handle */
        CURL *curl = message->easy_handle;
        char *context = NULL;
        curl_easy_getinfo(curl, CURLINFO_PRIVATE, &context);
        curl_multi_remove_handle(target->multi, curl);
        struct import_transfer *transfer = (void *)context;
        status = code == CURLE_OK ? take_answer(target, transfer, out_batch, err)
                                  : take_failure(target, transfer, code, err);
    }
    return status;
}

/* Starts what has paused long enough; says how long the others go on to. */
static enum status resume(struct import_target_http *target, unsigned *wait_ms, struct error *err)
{
    uint64_t now_ms = clock_monotonic_ms(target->config.clock);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < TRANSFERS; i++) {
        struct import_transfer *transfer = &target->transfers[i];
        if (transfer->condition != TRANSFER_PAUSED) {
            continue;
        }
        if (transfer->again_ms <= now_ms) {
            status = start(target, transfer, err);
        } else if (transfer->again_ms - now_ms < *wait_ms) {
            *wait_ms = (unsigned)(transfer->again_ms - now_ms);
        }
    }
    return status;
}

static enum status collect(struct import_target *base, unsigned wait_ms,
                           struct import_batch **out_batch, struct error *err)
{
    struct import_target_http *target = target_of(base);
    int running;
    enum status status = resume(target, &wait_ms, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (curl_multi_perform(target->multi, &running) != CURLM_OK) {
        return curl_failed(err);
    }
    status = take_ended(target, out_batch, err);
    if (status != STATUS_OK || *out_batch != NULL || wait_ms == 0) {
        return status;
    }
    if (curl_multi_poll(target->multi, NULL, 0, (int)wait_ms, NULL) != CURLM_OK ||
        curl_multi_perform(target->multi, &running) != CURLM_OK) {
        return curl_failed(err);
    }
    return take_ended(target, out_batch, err);
}

/* A 202 is all that a server says. */
static enum status finish(struct import_target *base, struct import_outcome *out_outcome,
                          struct error *err)
{
    (void)base;
    (void)err;
    *out_outcome = (struct import_outcome){.known = false};
    return STATUS_OK;
}

static void http_free(struct import_target *base)
{
    struct import_target_http *target = target_of(base);
    for (size_t i = 0; i < TRANSFERS; i++) {
        if (target->transfers[i].condition == TRANSFER_UNDER_WAY) {
            curl_multi_remove_handle(target->multi, target->transfers[i].curl);
        }
        import_transfer_deinit(&target->transfers[i]);
    }
    curl_multi_cleanup(target->multi);
    curl_slist_free_all(target->headers);
    free(target);
    curl_global_cleanup();
}

static const struct import_target_operations operations = {
    .describe = describe,
    .submit = submit,
    .collect = collect,
    .finish = finish,
    .free = http_free,
};

/* Making ------------------------------------------------------------------------------------ */

static enum status make_parts(struct import_target_http *target)
{
    /* Whoever sends as much as an array must not wait for a "100 Continue". */
    target->multi = curl_multi_init();
    bool made = target->multi != NULL &&
                http_handle_add_field(&target->headers, "Content-Type: application/json") &&
                http_handle_add_field(&target->headers, "Expect:") &&
                http_handle_add_key(&target->headers, target->config.api_key);
    size_t len = strlen(target->config.url);
    while (len > 0 && target->config.url[len - 1] == '/') {
        len--;
    }
    snprintf(target->url, sizeof target->url, "%.*s" COLLECTION, (int)len, target->config.url);
    enum status status = made ? STATUS_OK : STATUS_NO_MEMORY;
    const struct http_handle_config handle = {target->config.url, target->config.api_key,
                                              target->config.ca_file, target->config.unverified};
    for (size_t i = 0; status == STATUS_OK && i < TRANSFERS; i++) {
        status = import_transfer_init(
            &target->transfers[i],
            &(struct import_transfer_config){.handle = &handle,
                                             .url = target->url,
                                             .headers = target->headers,
                                             .timeout_ms = target->config.give_up_ms});
    }
    return status;
}

enum status import_target_http_new(const struct import_target_http_config *config,
                                   struct import_target **out_target, struct error *err)
{
    enum status status = http_handle_check(config->url, config->ca_file, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return curl_failed(err);
    }
    struct import_target_http *target = calloc(1, sizeof *target);
    if (target == NULL) {
        curl_global_cleanup();
        return curl_failed(err);
    }
    target->base.operations = &operations;
    target->config = *config;
    target->rows_max = IMPORT_ROWS_MAX;
    target->progressed_ms = clock_monotonic_ms(config->clock);
    if (make_parts(target) != STATUS_OK) {
        http_free(&target->base);
        return curl_failed(err);
    }
    *out_target = &target->base;
    return STATUS_OK;
}
