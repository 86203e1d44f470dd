#include "interfaces/api/api_pages.h"

#include <stdlib.h>

enum {
    ROWS_BYTES_MAX = 16 * 1024 * 1024,
    QUESTION_BYTES_MAX = 1024 * 1024,
    WRITTEN_AT_ONCE = 2 * 1024 * 1024 /* half of what may wait for a client (http_stream.c) */
};

static const char no_room[] = "more questions are under way than are answered at once, or there is "
                              "no memory for this one; ask again later";

void api_pages_free(struct api_pages *pages)
{
    if (pages == NULL) {
        return;
    }
    arena_deinit(&pages->question);
    arena_deinit(&pages->rows);
    buffer_deinit(&pages->text);
    free(pages);
}

/* --- on a pool thread --- */

static void read_page(void *data)
{
    struct api_pages *pages = data;
    buffer_clear(&pages->text);
    pages->status = STATUS_OK;
    pages->kind->read(pages);
    if (pages->status == STATUS_OK) {
        pages->status = pages->text.failed;
    }
    arena_reset(&pages->rows);
}

/* --- on the loop --- */

static void page_read(struct http_exchange *exchange, void *data);

static enum status start_page(struct http_exchange *exchange, struct api_pages *pages)
{
    pages->deadline_ns =
        clock_monotonic_ns(pages->config->clock) +
        (uint64_t)pages->config->finder->config.deadline_ms * NANOSECONDS_PER_MILLISECOND;
    pages->working = true;
    enum status status = pages->begun
                             ? http_exchange_offload_further(exchange, read_page, page_read, pages)
                             : http_exchange_offload(exchange, read_page, page_read, pages);
    if (status != STATUS_OK) {
        pages->working = false;
    }
    return status;
}

/* A page is mostly written at once; a single entry may be larger than what may wait. */
static void write_some(struct http_exchange *exchange, struct api_pages *pages)
{
    size_t left = pages->text.len - pages->written;
    size_t len = left < WRITTEN_AT_ONCE ? left : WRITTEN_AT_ONCE;
    struct str some = {pages->text.len == 0 ? NULL : pages->text.data + pages->written, len};
    bool written = http_exchange_write(exchange, some) == STATUS_OK;
    pages->written += len;
    if (written && (!pages->ended || len < left)) {
        return; /* it goes on when this is sent */
    }
    if (written) {
        http_exchange_end(exchange);
    } else {
        http_exchange_abort(exchange);
    }
    api_pages_free(pages);
}

static void go_on(struct http_exchange *exchange)
{
    struct api_pages *pages = http_exchange_data(exchange);
    if (pages->working) {
        return;
    }
    if (pages->written < pages->text.len) {
        write_some(exchange, pages);
    } else if (start_page(exchange, pages) != STATUS_OK) {
        http_exchange_abort(exchange);
        api_pages_free(pages);
    }
}

static void client_gone(struct http_exchange *exchange)
{
    struct api_pages *pages = http_exchange_data(exchange);
    if (!pages->working) {
        api_pages_free(pages);
    }
}

static const struct http_stream_writer pages_writer = {.drained = go_on, .gone = client_gone};

/* False when the exchange was answered already, or its client wants no more than that. */
static bool begin_answer(struct http_exchange *exchange, struct api_pages *pages)
{
    bool wanted = false;
    enum status status =
        http_exchange_respond_streamed(exchange, &pages->head, &pages_writer, &wanted);
    if (status != STATUS_OK) {
        api_answer_problem(exchange, status,
                           "there is no memory for this answer now; ask again later");
    }
    pages->begun = true;
    return status == STATUS_OK && wanted;
}

/* What was read could not be: before anything was sent there is an answer that says so, behind that
 * only an end that is none. */
static void answer_failure(struct http_exchange *exchange, struct api_pages *pages)
{
    if (pages->begun) {
        http_exchange_abort(exchange);
    } else {
        api_answer_problem(exchange, pages->status,
                           pages->text.failed != STATUS_OK
                               ? "there is no memory for this answer now"
                               : pages->err.message);
    }
    api_pages_free(pages);
}

static void page_read(struct http_exchange *exchange, void *data)
{
    struct api_pages *pages = data;
    pages->working = false;
    if (exchange == NULL) {
        api_pages_free(pages);
        return;
    }
    if (pages->status != STATUS_OK) {
        answer_failure(exchange, pages);
        return;
    }
    if (!pages->begun && !begin_answer(exchange, pages)) {
        api_pages_free(pages);
        return;
    }
    pages->written = 0;
    write_some(exchange, pages);
}

/* --- the request --- */

static struct api_pages *make(const struct api_call *call, const struct api_pages_kind *kind)
{
    CLEANUP(api_pages_free) struct api_pages *pages = calloc(1, kind->bytes);
    if (pages == NULL) {
        return NULL;
    }
    struct memory_budget *memory = http_exchange_answer_memory(call->exchange);
    pages->kind = kind;
    pages->config = &call->api->config;
    pages->head.status = 200;
    arena_init_shared(&pages->question, QUESTION_BYTES_MAX, memory);
    arena_init_shared(&pages->rows, ROWS_BYTES_MAX, memory);
    buffer_init(&pages->text, kind->text_bytes_max);
    /* A copy, since what is asked points into it for longer than the request is there. */
    if (call->request->query.data != NULL) {
        pages->query = arena_copy_str(&pages->question, call->request->query);
        if (pages->query.data == NULL) {
            return NULL;
        }
    }
    return TAKE(pages);
}

struct api_pages *api_pages_new(const struct api_call *call, const struct api_pages_kind *kind)
{
    struct api_pages *pages = make(call, kind);
    if (pages == NULL) {
        api_answer_problem(call->exchange, STATUS_NO_MEMORY, no_room);
    }
    return pages;
}

void api_pages_start(const struct api_call *call, struct api_pages *pages, enum status read)
{
    enum status status = read;
    if (status == STATUS_OK) {
        http_exchange_set_data(call->exchange, pages);
        status = start_page(call->exchange, pages);
    }
    if (status == STATUS_OK) {
        return;
    }
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(call->exchange, pages->err.message);
    } else {
        api_answer_problem(call->exchange, status, no_room);
    }
    api_pages_free(pages);
}
