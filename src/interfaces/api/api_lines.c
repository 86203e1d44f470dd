/*
 *            bytes                 whole lines                durable
 *   body  ----------->  lines  -------------------->  log  ------------->  verdicts  -->  client
 *
 * One batch is with the log at a time, and meanwhile the next bytes gather: the busier the log, the
 * larger the batches. Nothing more of the body is read while a batch's worth waits here, or while
 * the client has not taken its verdicts.
 *
 * Each batch is promised by itself. When the log stops taking them, the client is told so with the
 * line to go on from; what was answered before it stays durable.
 */
#include "interfaces/api/api_lines.h"

#include "application/import_lines.h"
#include "base/assert.h"
#include "interfaces/api/api_item.h"
#include "interfaces/api/api_promise.h"
#include "interfaces/api/api_query_string.h"
#include "interfaces/api/api_trace.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_LINES_MAX = 1024,
    BATCH_ARENA_BYTES_MAX = 8 * 1024 * 1024, /* beside the lines themselves */
    ROOM_BYTES_MIN = 128 * 1024,             /* less: the body waits; two reads of the transport */
    UNSENT_BYTES_MAX = 256 * 1024,           /* verdicts that the client has not taken */
    LISTED_MAX = 1000,                       /* rejected lines in an answer as a whole */
    LISTED_BYTES_MAX = 4 * 1024 * 1024,
    VERDICTS_BYTES_MAX = 64 * 1024 * 1024 /* of one batch: every problem as long as can be */
};

/* One POST until its answer; the exchange's data. */
struct lines {
    struct http_exchange *exchange;
    struct api *api;
    struct api_item_reader reader;
    struct import_lines text;
    struct arena arena; /* of the batch that is being read */
    struct activity *batch;
    size_t batch_count;     /* of activities that can be recorded */
    size_t batch_rejected;  /* lines */
    uint64_t batch_begin;   /* the first line of the batch, for who has to send it again */
    struct buffer verdicts; /* of the batch; when they are streamed */
    struct buffer listed;   /* rejected lines, when they are not */
    size_t listed_count;
    bool truncated;
    uint64_t accepted;
    uint64_t rejected;
    struct api_promise_sum promised;
    struct memory_budget *memory;
    struct api_pass pass; /* looked at again with each batch, since a body may last for ever */
    size_t charged;
    size_t text_bytes_most; /* of `text`, which is as large from the beginning, but not used */
    size_t batch_most;
    bool has_paid;                       /* the request, for its first line */
    char detail[API_LIMIT_DETAIL_BYTES]; /* of the problem that ends it */
    struct http_problem limited;         /* what to tell when a limit, or its key, ends it */
    bool streams;                        /* verdicts, as they are known */
    bool streaming;                      /* the answer has begun */
    bool in_flight;                      /* a batch is with the log */
    bool complete;                       /* the body */
    bool broken;                         /* the rest of the body will not come */
    struct http_problem problem;         /* why */
};

static void lines_free(struct lines *lines)
{
    import_lines_deinit(&lines->text);
    arena_deinit(&lines->arena);
    free(lines->batch);
    buffer_deinit(&lines->verdicts);
    buffer_deinit(&lines->listed);
    api_promise_sum_deinit(&lines->promised);
    memory_budget_release(lines->memory, lines->charged);
    free(lines);
}

/* --- the answer --- */

static void append_sums(struct buffer *json, const struct lines *lines)
{
    buffer_append_literal(json, "\"accepted\":");
    buffer_append_u64(json, lines->accepted);
    buffer_append_literal(json, ",\"rejected\":");
    buffer_append_u64(json, lines->rejected);
    if (lines->reader.dry_run) {
        buffer_append_literal(json, ",\"dryRun\":true");
    } else if (lines->promised.any) {
        buffer_append_char(json, ',');
        api_promise_sum_append(json, &lines->promised);
    }
    if (!lines->streams) {
        buffer_append_literal(json, ",\"results\":[");
        buffer_append_str(json, buffer_str(&lines->listed));
        buffer_append_char(json, ']');
        if (lines->truncated) {
            buffer_append_literal(json, ",\"truncated\":true");
        }
    }
}

/* The exchange is gone when this returns, and `lines` with it. */
static void answer_whole(struct lines *lines, int status, struct str text)
{
    struct http_exchange *exchange = lines->exchange;
    if (text.data == NULL) {
        api_answer_problem(exchange, STATUS_NO_MEMORY,
                           lines->promised.any ? API_PROMISE_WITHOUT_ANSWER
                                               : "there is no memory for this answer now");
    } else {
        api_answer_json(exchange, status, text);
    }
    lines_free(lines);
}

/* The last line of verdicts tells of all. */
static void answer_last(struct lines *lines, struct str text)
{
    struct http_exchange *exchange = lines->exchange;
    if (text.data != NULL && http_exchange_write(exchange, text) == STATUS_OK) {
        http_exchange_end(exchange);
    } else {
        http_exchange_abort(exchange);
    }
    lines_free(lines);
}

static struct str rendered(const struct buffer *json)
{
    return json->failed == STATUS_OK ? buffer_str(json) : (struct str){0};
}

/* `next_line`: from which on nothing was recorded. */
static void answer_problem(struct lines *lines, struct http_problem problem, uint64_t next_line)
{
    struct buffer *members = &lines->listed;
    struct buffer sums;
    char least[32];
    buffer_init(&sums, API_ANSWER_BYTES_MAX);
    append_sums(&sums, lines);
    buffer_append_literal(&sums, ",\"line\":");
    buffer_append_u64(&sums, next_line);
    problem.members = rendered(&sums);
    if (problem.members.data == NULL) { /* without the sums one can still go on */
        int len = snprintf(least, sizeof least, "\"line\":%llu", (unsigned long long)next_line);
        problem.members = (struct str){least, (size_t)len};
    }
    if (lines->streaming) {
        buffer_clear(members);
        buffer_append_literal(members, "{\"error\":");
        http_problem_append(&problem, members);
        buffer_append_literal(members, "}\n");
        answer_last(lines, rendered(members));
    } else {
        http_problem_respond(lines->exchange, &problem, NULL);
        lines_free(lines);
    }
    buffer_deinit(&sums);
}

static void answer_nothing_accepted(struct lines *lines)
{
    bool empty = lines->rejected == 0;
    answer_problem(lines,
                   empty ? api_problem_make(API_PROBLEM_INVALID_REQUEST,
                                            "there is no line with an activity here")
                         : api_problem_make(API_PROBLEM_NOTHING_ACCEPTED,
                                            "every line was rejected; results tells why"),
                   lines->text.number + 1);
}

/* All lines have their verdicts. */
static void answer(struct lines *lines)
{
    if (!lines->streaming && lines->accepted == 0) {
        answer_nothing_accepted(lines);
        return;
    }
    struct buffer *json = &lines->reader.loop->answer;
    buffer_clear(json);
    buffer_append_literal(json, "{\"status\":\"success\",");
    append_sums(json, lines);
    buffer_append_str(json, lines->streaming ? STR("}\n") : STR("}"));
    if (lines->streaming) {
        answer_last(lines, rendered(json));
    } else {
        answer_whole(lines, lines->reader.dry_run ? 200 : 202, rendered(json));
    }
}

/* --- verdicts --- */

static void append_line_number(struct buffer *json, uint64_t number)
{
    buffer_append_literal(json, "{\"line\":");
    buffer_append_u64(json, number);
}

static void append_error(struct buffer *json, uint64_t number, const struct http_problem *problem)
{
    append_line_number(json, number);
    buffer_append_literal(json, ",\"error\":");
    http_problem_append(problem, json);
    buffer_append_char(json, '}');
}

/* Rejected lines that no longer fit are counted only. */
static void list_rejected(struct lines *lines, uint64_t number, const struct http_problem *problem)
{
    struct buffer *json = &lines->listed;
    size_t before = json->len;
    if (lines->listed_count == LISTED_MAX || json->failed != STATUS_OK) {
        lines->truncated = true;
        return;
    }
    if (lines->listed_count > 0) {
        buffer_append_char(json, ',');
    }
    append_error(json, number, problem);
    lines->listed_count++;
    if (json->failed != STATUS_OK) {
        json->failed = STATUS_OK;
        json->len = before;
        lines->listed_count = LISTED_MAX;
        lines->truncated = true;
    }
}

static void reject(struct lines *lines, uint64_t number, enum status status,
                   const struct rejection *rejection)
{
    char detail[API_ITEM_DETAIL_BYTES];
    struct http_problem problem = api_item_problem(status, rejection, detail);
    lines->batch_rejected++;
    if (lines->streams) {
        append_error(&lines->verdicts, number, &problem);
        buffer_append_char(&lines->verdicts, '\n');
    } else {
        list_rejected(lines, number, &problem);
    }
}

static void accept(struct lines *lines, uint64_t number)
{
    const struct activity *activity = &lines->batch[lines->batch_count];
    lines->batch_count++;
    if (lines->streams) {
        append_line_number(&lines->verdicts, number);
        buffer_append_literal(&lines->verdicts, ",\"id\":\"");
        buffer_append_str(&lines->verdicts, activity->id);
        buffer_append_literal(&lines->verdicts, "\"}\n");
    }
}

static const struct http_stream_writer verdict_writer;

static void sum_up(struct lines *lines)
{
    lines->accepted += lines->batch_count;
    lines->rejected += lines->batch_rejected;
    lines->batch_count = 0;
    lines->batch_rejected = 0;
}

/* Says what became of the batch, now that it is known. */
static enum status tell_verdicts(struct lines *lines)
{
    if (lines->verdicts.len == 0) {
        return STATUS_OK;
    }
    bool wanted;
    enum status status = STATUS_OK;
    if (!lines->streaming) {
        struct http_response head = {.status = 200, .content_type = STR("application/x-ndjson")};
        status = http_exchange_respond_streamed(lines->exchange, &head, &verdict_writer, &wanted);
        lines->streaming = status == STATUS_OK;
    }
    status = status == STATUS_OK
                 ? http_exchange_write(lines->exchange, buffer_str(&lines->verdicts))
                 : status;
    buffer_clear(&lines->verdicts);
    return status;
}

/* --- batches --- */

/* A line that is longer than it may be is there with its first bytes only. */
static enum status read_line(struct lines *lines, const struct import_line *line,
                             struct rejection *rejection)
{
    char *text = (char *)(uintptr_t)line->text.data; /* of lines->text, which is ours */
    if (line->too_long) {
        lines->reader.index++;
        rejection_add(rejection, "",
                      "an activity may have at most %zu bytes of JSON, this "
                      "line has %llu",
                      lines->text.line_bytes_max, (unsigned long long)line->bytes);
        return STATUS_TOO_LARGE;
    }
    text[line->text.len] = '\0'; /* instead of its end: no reader goes on into the next line */
    return api_item_read(&lines->reader, text, line->text.len, &lines->batch[lines->batch_count],
                         rejection);
}

/* Reads what whole lines there are into the batch. BUSY: there are no more; NOT_FOUND: nor will
 * there be; OK: the batch is full. NO_MEMORY. */
static enum status read_batch(struct lines *lines)
{
    struct import_line line;
    struct error err;
    enum status status = STATUS_OK;
    arena_reset(&lines->arena);
    lines->reader.now_ns = clock_wall_ns(lines->api->config.clock);
    lines->batch_begin = lines->text.number + 1;
    while (lines->batch_count + lines->batch_rejected < BATCH_LINES_MAX &&
           (status = import_lines_next(&lines->text, &line, &err)) == STATUS_OK) {
        struct rejection rejection;
        rejection_init(&rejection);
        enum status verdict = read_line(lines, &line, &rejection);
        if (verdict == STATUS_NO_MEMORY) {
            return verdict;
        }
        if (verdict == STATUS_OK) {
            accept(lines, line.number);
        } else {
            reject(lines, line.number, verdict, &rejection);
        }
    }
    return lines->verdicts.failed == STATUS_OK ? status : lines->verdicts.failed;
}

static void fail(struct lines *lines, enum status status)
{
    api_item_count_rejected(&lines->reader, lines->batch_count + lines->batch_rejected);
    answer_problem(lines,
                   api_problem_not_appended(lines->api, status,
                                            "the lines before `line` were dealt with as told here; "
                                            "send those from it on again later"),
                   lines->batch_begin);
}

/* What this request holds beside its arena. False when the bound is reached. */
static bool recharge(struct lines *lines)
{
    if (lines->text_bytes_most < lines->text.end) {
        lines->text_bytes_most = lines->text.end;
    }
    if (lines->batch_most < lines->batch_count) {
        lines->batch_most = lines->batch_count;
    }
    size_t bytes = lines->text_bytes_most + lines->batch_most * sizeof *lines->batch +
                   lines->verdicts.capacity + lines->listed.capacity;
    if (bytes <= lines->charged) {
        return true;
    }
    bool charged = memory_budget_charge(lines->memory, bytes - lines->charged);
    lines->charged = charged ? bytes : lines->charged;
    return charged;
}

/* Hands the batch on. */
static enum status submit(struct lines *lines)
{
    struct http_ticket ticket = http_exchange_ticket(lines->exchange);
    api_trace_begin_append(lines->exchange, lines->batch, lines->batch_count);
    enum status status = record_activities_append(
        lines->api->config.recorder, lines->batch, lines->batch_count,
        &lines->reader.loop->lines_listener,
        (struct append_ticket){ticket.loop, ticket.slot, ticket.generation});
    if (status == STATUS_OK) {
        lines->in_flight = true;
        api_item_count_rejected(&lines->reader, lines->batch_rejected);
    } else {
        api_promise_end_refused_span(lines->api, lines->exchange, status);
    }
    return status;
}

static bool client_is_behind(const struct lines *lines)
{
    return lines->streaming && http_exchange_unsent_bytes(lines->exchange) > UNSENT_BYTES_MAX;
}

enum step {
    STEP_MORE,    /* there may be further lines */
    STEP_EMPTY,   /* there are none before more of the body comes */
    STEP_WAITS,   /* for the log, or the client */
    STEP_DONE,    /* nor will there be any */
    STEP_LIMITED, /* or not let in any more */
    STEP_FAILED
};

/* The request itself has paid for one line when it was let in. */
static bool charges_batch(struct lines *lines)
{
    size_t count = lines->batch_count + lines->batch_rejected;
    bool is_first = count > 0 && !lines->has_paid;
    lines->has_paid = lines->has_paid || count > 0;
    return api_access_charges_lines(lines->reader.loop, lines->reader.caller,
                                    is_first ? count - 1 : count, lines->detail, &lines->limited);
}

static bool admits_batch(struct lines *lines)
{
    return lines->batch_count == 0 ||
           api_access_admits_more(lines->reader.loop, lines->streaming ? NULL : lines->exchange,
                                  &lines->pass, &lines->limited);
}

/* Nothing of the batch was recorded. */
static void refuse_batch(struct lines *lines)
{
    api_item_count_rejected(&lines->reader, lines->batch_count + lines->batch_rejected);
    answer_problem(lines, lines->limited, lines->batch_begin);
}

/* One batch from the bytes that are there. */
static enum step step(struct lines *lines, enum status *out_failure)
{
    if (lines->in_flight || client_is_behind(lines)) {
        return STEP_WAITS;
    }
    enum status read = read_batch(lines);
    bool records = lines->batch_count > 0 && !lines->reader.dry_run;
    *out_failure = STATUS_NO_MEMORY;
    if (read == STATUS_NO_MEMORY || read == STATUS_TOO_LARGE || !recharge(lines)) {
        return STEP_FAILED;
    }
    if (!admits_batch(lines) || !charges_batch(lines)) {
        return STEP_LIMITED;
    }
    if (records) {
        *out_failure = submit(lines);
        return *out_failure == STATUS_OK ? STEP_WAITS : STEP_FAILED;
    }
    if (tell_verdicts(lines) != STATUS_OK) {
        return STEP_FAILED;
    }
    api_item_count_rejected(&lines->reader, lines->batch_rejected);
    sum_up(lines);
    return read == STATUS_OK ? STEP_MORE : read == STATUS_BUSY ? STEP_EMPTY : STEP_DONE;
}

/* As far as it goes now; `lines` may be gone when this returns. */
static void run(struct lines *lines)
{
    enum status failure = STATUS_OK;
    enum step reached;
    do {
        reached = step(lines, &failure);
    } while (reached == STEP_MORE);
    if (reached == STEP_FAILED) {
        fail(lines, failure);
    } else if (reached == STEP_LIMITED) {
        refuse_batch(lines);
    } else if (reached == STEP_DONE) {
        answer(lines);
    } else if (reached == STEP_EMPTY && lines->broken) {
        answer_problem(lines, lines->problem, lines->text.number + 1);
    } else if (reached == STEP_EMPTY) {
        http_exchange_resume_body(lines->exchange);
    }
}

/* --- what comes --- */

static void take(struct http_exchange *exchange, const char *data, size_t len)
{
    struct lines *lines = http_exchange_data(exchange);
    import_lines_push(&lines->text, (struct str){data, len});
    if (import_lines_room(&lines->text) < ROOM_BYTES_MIN || client_is_behind(lines)) {
        http_exchange_pause_body(exchange);
    }
    run(lines);
}

static void take_failure(struct http_exchange *exchange, const struct http_problem *problem)
{
    struct lines *lines = http_exchange_data(exchange);
    lines->broken = true;
    lines->problem = *problem;
    run(lines);
}

static void take_leave(struct http_exchange *exchange)
{
    lines_free(http_exchange_data(exchange));
}

static void go_on(struct http_exchange *exchange)
{
    run(http_exchange_data(exchange));
}

static const struct http_body_consumer line_consumer = {
    .data = take, .failed = take_failure, .gone = take_leave};

static const struct http_stream_writer verdict_writer = {.drained = go_on};

void api_lines_post(const struct api_call *call)
{
    struct lines *lines = http_exchange_data(call->exchange);
    lines->complete = true;
    import_lines_end(&lines->text);
    run(lines);
}

/* The batch is in the log and summed up, but its verdicts cannot be told. */
static void fail_untold(struct lines *lines)
{
    snprintf(
        lines->detail, sizeof lines->detail,
        "the lines %llu to %llu were recorded where they are valid, but there is no memory for "
        "their verdicts; send those from `line` on later",
        (unsigned long long)lines->batch_begin, (unsigned long long)lines->text.number);
    answer_problem(lines, api_problem_not_appended(lines->api, STATUS_NO_MEMORY, lines->detail),
                   lines->text.number + 1);
}

static void completed_on_loop(struct http_exchange *exchange,
                              const struct http_completion *completion)
{
    struct lines *lines = exchange == NULL ? NULL : http_exchange_data(exchange);
    api_promise_end_span(exchange, completion);
    if (lines != NULL) {
        lines->in_flight = false;
    }
    if (lines != NULL && completion->status == STATUS_OK) {
        api_promise_sum_add(&lines->promised, completion);
        sum_up(lines);
        if (tell_verdicts(lines) == STATUS_OK) {
            run(lines);
        } else {
            fail_untold(lines);
        }
    } else if (lines != NULL) {
        lines->batch_count = 0; /* both are counted already */
        lines->batch_rejected = 0;
        fail(lines, completion->status);
    }
    api_promise_release(completion);
}

void api_lines_completed(struct append_listener *listener, const struct append_result *results,
                         size_t count)
{
    struct api_loop *loop = CONTAINER_OF(listener, struct api_loop, lines_listener);
    api_promise_completed(loop, results, count, completed_on_loop);
}

/* --- its beginning --- */

static bool wants_verdicts(const struct api_call *call)
{
    struct str accepted = api_call_field(call, API_FIELD_ACCEPT);
    while (accepted.data != NULL) {
        struct str type = str_split(&accepted, ',');
        type = str_trim(str_split(&type, ';'));
        if (str_equal_ignoring_case(type, STR("application/x-ndjson"))) {
            return true;
        }
    }
    return false;
}

static struct lines *lines_new(const struct api_call *call, const struct api_item_reader *reader)
{
    struct lines *lines = calloc(1, sizeof *lines);
    if (lines == NULL) {
        return NULL;
    }
    lines->exchange = call->exchange;
    lines->api = call->api;
    lines->reader = *reader;
    lines->reader.arena = &lines->arena;
    lines->memory = http_exchange_body_memory(call->exchange);
    lines->streams = wants_verdicts(call);
    arena_init_shared(&lines->arena, BATCH_ARENA_BYTES_MAX, lines->memory);
    buffer_init(&lines->verdicts, VERDICTS_BYTES_MAX);
    buffer_init(&lines->listed, LISTED_BYTES_MAX);
    api_promise_sum_init(&lines->promised);
    lines->batch = malloc(BATCH_LINES_MAX * sizeof *lines->batch);
    enum status status = import_lines_init(&lines->text, (struct import_source){0},
                                           call->api->config.activity_bytes_max);
    if (lines->batch == NULL || status != STATUS_OK) {
        lines_free(lines);
        return NULL;
    }
    return lines;
}

void api_lines_begin(const struct api_call *call)
{
    struct api_item_reader reader;
    if (api_refuses_parameters(call, &api_post_parameters) ||
        !api_item_reader_init(&reader, call)) {
        return;
    }
    struct api_pass pass;
    if (!api_access_take_pass(call, http_exchange_arena(call->exchange), &pass)) {
        return;
    }
    struct lines *lines = lines_new(call, &reader);
    if (lines != NULL) {
        lines->pass = pass;
    }
    if (lines == NULL || http_exchange_stream_body(call->exchange, &line_consumer) != STATUS_OK) {
        if (lines != NULL) {
            lines_free(lines);
        }
        api_answer_problem(call->exchange, STATUS_NO_MEMORY,
                           "there is no memory for this request now; send it again later");
        return;
    }
    http_exchange_set_data(call->exchange, lines);
}
