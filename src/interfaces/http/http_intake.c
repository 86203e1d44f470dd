#include "interfaces/http/http_intake.h"

#include "base/assert.h"
#include "interfaces/http/http_loop.h"

#include <stdlib.h>

enum {
    RAW_BYTES_MAX = HTTP_READ_BYTES, /* nothing is read while any of it waits */
    SLICE_BYTES = 256 * 1024         /* decoded in one turn of the loop */
};

struct http_intake *http_intake_of(struct http_exchange *exchange)
{
    if (exchange->intake == NULL) {
        struct http_intake *intake = calloc(1, sizeof *intake);
        if (intake == NULL) {
            return NULL;
        }
        intake->exchange = exchange;
        buffer_init(&intake->raw, RAW_BYTES_MAX);
        exchange->intake = intake;
    }
    return exchange->intake;
}

void http_intake_free(struct http_intake *intake)
{
    if (intake != NULL) {
        ASSERT(!intake->running);
        if (intake->decoder != NULL) {
            memory_budget_release(&intake->exchange->loop->server->body_memory, RAW_BYTES_MAX);
        }
        http_decoder_free(intake->decoder);
        buffer_deinit(&intake->raw);
        free(intake);
    }
}

enum status http_intake_decode(struct http_intake *intake, enum http_coding coding)
{
    ASSERT(intake->decoder == NULL && coding != HTTP_CODING_IDENTITY);
    struct http_server *server = intake->exchange->loop->server;
    if (!memory_budget_charge(&server->body_memory, RAW_BYTES_MAX)) {
        return STATUS_BUSY;
    }
    enum status status = http_decoder_new(coding, server->config.limits.body_ratio_max,
                                          &server->body_memory, &intake->decoder);
    if (status != STATUS_OK) {
        memory_budget_release(&server->body_memory, RAW_BYTES_MAX);
    }
    return status;
}

/* --- to its end --- */

static enum http_fault fault_of(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return HTTP_FAULT_NONE;
    case STATUS_BUSY:
        return HTTP_FAULT_BODY_MEMORY;
    case STATUS_INVALID:
        return HTTP_FAULT_BODY_CODING;
    case STATUS_TOO_LARGE:
        return HTTP_FAULT_BODY_RATIO;
    default:
        return HTTP_FAULT_MEMORY;
    }
}

/* An exchange that is answered already wants nothing more. */
static enum http_fault deliver(struct http_intake *intake, const char *data, size_t len)
{
    struct http_exchange *exchange = intake->exchange;
    if (len == 0 || exchange->phase == HTTP_EXCHANGE_ANSWERED) {
        return HTTP_FAULT_NONE;
    }
    if (intake->consumer != NULL) {
        intake->consumer->data(exchange, data, len);
        return HTTP_FAULT_NONE;
    }
    struct http_body *body = &exchange->parser.body;
    if (len > exchange->body_bytes_max - body->len) {
        return HTTP_FAULT_BODY_TOO_LARGE;
    }
    return fault_of(http_body_append(body, data, len, 0));
}

enum http_fault http_intake_take(struct http_intake *intake, const char *data, size_t len)
{
    intake->taken += len;
    if (intake->decoder == NULL) {
        return deliver(intake, data, len);
    }
    buffer_append(&intake->raw, data, len);
    return fault_of(intake->raw.failed);
}

/* --- slices --- */

static bool has_work(const struct http_intake *intake)
{
    return intake->raw.len > 0 || intake->owes;
}

/* Decodes once and delivers it; sets how much that was. */
static enum http_fault decode_once(struct http_intake *intake, size_t *used, size_t *out_written)
{
    struct http_loop *loop = intake->exchange->loop;
    struct http_decoder_step step = {
        .in = intake->raw.data + *used,
        .in_len = intake->raw.len - *used,
        .out = loop->decode_buffer,
        .out_len = sizeof loop->decode_buffer,
    };
    enum status status = http_decoder_step(intake->decoder, &step);
    *used += step.used;
    *out_written = step.written;
    intake->owes = step.written == step.out_len;
    if (status != STATUS_OK) {
        return fault_of(status);
    }
    return deliver(intake, step.out, step.written);
}

static enum http_fault decode_slice(struct http_intake *intake)
{
    size_t used = 0;
    size_t decoded = 0;
    enum http_fault fault = HTTP_FAULT_NONE;
    while (fault == HTTP_FAULT_NONE && !intake->paused && decoded < SLICE_BYTES &&
           (used < intake->raw.len || intake->owes)) {
        size_t written;
        fault = decode_once(intake, &used, &written);
        decoded += written;
    }
    buffer_consume(&intake->raw, used);
    return fault;
}

static enum http_intake_state state_of(const struct http_intake *intake, enum http_fault *out_fault)
{
    if (intake->paused) {
        return HTTP_INTAKE_WAITING;
    }
    if (has_work(intake)) {
        return HTTP_INTAKE_BUSY;
    }
    if (!intake->ended) {
        return HTTP_INTAKE_HUNGRY;
    }
    if (intake->decoder != NULL && intake->taken > 0 && !http_decoder_at_end(intake->decoder)) {
        *out_fault = HTTP_FAULT_BODY_CODING;
        return HTTP_INTAKE_FAILED;
    }
    return HTTP_INTAKE_COMPLETE;
}

enum http_intake_state http_intake_run(struct http_intake *intake, enum http_fault *out_fault)
{
    *out_fault = HTTP_FAULT_NONE;
    intake->running = true;
    if (intake->decoder != NULL) {
        *out_fault = decode_slice(intake);
    }
    intake->running = false;
    return *out_fault == HTTP_FAULT_NONE ? state_of(intake, out_fault) : HTTP_INTAKE_FAILED;
}

bool http_intake_is_blocked(const struct http_intake *intake)
{
    return intake->paused || intake->ended || has_work(intake);
}
