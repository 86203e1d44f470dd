/*
 * GET of all activities that match, as lines or for spreadsheets. One page at a time is read and
 * rendered on a pool thread and then given to the network; the next one is read when the client has
 * taken it. So an export of any size holds one page, and a client that is slow holds nobody else.
 */
#include "application/activity_csv.h"
#include "application/walk_activities.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdlib.h>

enum {
    PAGE_ROWS = 2000,
    PAGE_BYTES_MAX = 512 * 1024, /* of the rows' texts */
    ROWS_BYTES_MAX = 16 * 1024 * 1024,
    QUESTION_BYTES_MAX = 1024 * 1024
};

/* One export until its end; the exchange's data. */
struct export
{
    const struct api_config *config;
    struct arena question_texts;
    struct api_export_question question;
    struct walk_activities walk;
    struct arena rows;
    struct buffer text;
    uint64_t asked_ns;
    enum status status; /* of the page */
    struct error err;
    bool begun;   /* the answer has a head */
    bool working; /* a page is being read, by a thread that has this */
};

static void export_free(struct export *export)
{
    arena_deinit(&export->question_texts);
    arena_deinit(&export->rows);
    buffer_deinit(&export->text);
    free(export);
}

/* --- on a pool thread --- */

static void render_rows(struct export *export, const struct activity_page *page)
{
    if (export->question.csv && !export->begun) {
        buffer_append_literal(&export->text, ACTIVITY_CSV_HEADER);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (export->question.csv) {
            activity_csv_append(&export->text, &page->rows[i]);
        } else {
            activity_json_append(&export->text, &page->rows[i]);
            buffer_append_char(&export->text, '\n');
        }
    }
}

static void read_page(void *data)
{
    struct export *export = data;
    struct activity_page page;
    const struct find_activities_config *finder = &export->config->finder->config;
    export->walk.request.deadline_ns =
        export->asked_ns + (uint64_t)finder->deadline_ms * NANOSECONDS_PER_MILLISECOND;
    buffer_clear(&export->text);
    export->status = walk_activities_next(&export->walk, &export->rows, &page, &export->err);
    if (export->status == STATUS_OK) {
        render_rows(export, &page);
        export->status = export->text.failed;
    }
    arena_reset(&export->rows);
}

/* --- on the loop --- */

static void page_read(struct http_exchange *exchange, void *data);

static enum status start_page(struct http_exchange *exchange, struct export *export)
{
    export->asked_ns = clock_monotonic_ns(export->config->clock);
    export->working = true;
    enum status status = export->begun
                             ? http_exchange_offload_further(exchange, read_page, page_read, export)
                             : http_exchange_offload(exchange, read_page, page_read, export);
    if (status != STATUS_OK) {
        export->working = false;
    }
    return status;
}

static void go_on(struct http_exchange *exchange)
{
    struct export *export = http_exchange_data(exchange);
    if (!export->working && start_page(exchange, export) != STATUS_OK) {
        http_exchange_abort(exchange);
        export_free(export);
    }
}

static void client_gone(struct http_exchange *exchange)
{
    struct export *export = http_exchange_data(exchange);
    if (!export->working) {
        export_free(export);
    }
}

static const struct http_stream_writer export_writer = {.drained = go_on, .gone = client_gone};

/* False when the exchange was answered already, or its client wants no more than that. */
static bool begin_answer(struct http_exchange *exchange, struct export *export)
{
    static const struct http_header as_lines[] = {
        {{"Content-Disposition", 19}, {"attachment; filename=\"activities.ndjson\"", 40}},
        {{"Cache-Control", 13}, {"no-store", 8}}};
    static const struct http_header as_csv[] = {
        {{"Content-Disposition", 19}, {"attachment; filename=\"activities.csv\"", 37}},
        {{"Cache-Control", 13}, {"no-store", 8}}};
    bool wanted = false;
    struct http_response head = {
        .status = 200,
        .content_type = export->question.csv ? STR("text/csv; charset=utf-8; header=present")
                                             : STR("application/x-ndjson"),
        .headers = export->question.csv ? as_csv : as_lines,
        .header_count = ARRAY_LENGTH(as_csv),
    };
    enum status status = http_exchange_respond_streamed(exchange, &head, &export_writer, &wanted);
    if (status != STATUS_OK) {
        api_answer_problem(exchange, status,
                           "there is no memory for this answer now; ask again later");
    }
    export->begun = true;
    return status == STATUS_OK && wanted;
}

/* What was read could not be: before anything was sent there is an answer that says so, behind that
 * only an end that is none. */
static void answer_failure(struct http_exchange *exchange, struct export *export)
{
    if (export->begun) {
        http_exchange_abort(exchange);
    } else {
        api_answer_problem(exchange, export->status,
                           export->text.failed != STATUS_OK
                               ? "there is no memory for this answer now"
                               : export->err.message);
    }
    export_free(export);
}

static void page_read(struct http_exchange *exchange, void *data)
{
    struct export *export = data;
    export->working = false;
    if (exchange == NULL) {
        export_free(export);
        return;
    }
    if (export->status != STATUS_OK) {
        answer_failure(exchange, export);
        return;
    }
    if (!export->begun && !begin_answer(exchange, export)) {
        export_free(export);
        return;
    }
    bool written = http_exchange_write(exchange, buffer_str(&export->text)) == STATUS_OK;
    if (written && !export->walk.ended) {
        return; /* it goes on when this is sent */
    }
    if (written) {
        http_exchange_end(exchange);
    } else {
        http_exchange_abort(exchange);
    }
    export_free(export);
}

static struct export *export_new(const struct api_call *call)
{
    struct export *export = calloc(1, sizeof *export);
    if (export != NULL) {
        struct memory_budget *memory = http_exchange_answer_memory(call->exchange);
        export->config = &call->api->config;
        arena_init_shared(&export->question_texts, QUESTION_BYTES_MAX, memory);
        arena_init_shared(&export->rows, ROWS_BYTES_MAX, memory);
        buffer_init(&export->text, ROWS_BYTES_MAX);
    }
    return export;
}

/* The query is copied, since the question points into it for longer than the request is there. */
static enum status read_question(const struct api_call *call, struct export *export)
{
    struct str query = {0};
    if (call->request->query.data != NULL) {
        query = arena_copy_str(&export->question_texts, call->request->query);
        if (query.data == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    return api_export_question_read(query, &export->question_texts, &export->question,
                                    &export->err);
}

void api_export(const struct api_call *call)
{
    struct export *export = export_new(call);
    enum status status = export == NULL ? STATUS_NO_MEMORY : read_question(call, export);
    if (status == STATUS_OK &&
        !api_access_narrows(call, &export->question.find.filter, export->question.texts.user_ids,
                            &export->question_texts)) {
        export_free(export);
        return;
    }
    if (status == STATUS_OK) {
        walk_activities_init(&export->walk, export->config->store,
                             &(struct activity_page_request){.filter = export->question.find.filter,
                                                             .order = export->question.find.order,
                                                             .limit = PAGE_ROWS,
                                                             .bytes_max = PAGE_BYTES_MAX});
        http_exchange_set_data(call->exchange, export);
        status = start_page(call->exchange, export);
    }
    if (status == STATUS_OK) {
        return;
    }
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(call->exchange, export->err.message);
    } else {
        api_answer_problem(call->exchange, status,
                           "more questions are under way than are answered at once, or there is no "
                           "memory for this one; ask again later");
    }
    if (export != NULL) {
        export_free(export);
    }
}
