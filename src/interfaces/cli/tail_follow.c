#include "interfaces/cli/tail_follow.h"

#include "application/activity_json_answer.h"
#include "application/live_tail.h"
#include "application/receipt.h"
#include "interfaces/cli/event_stream.h"
#include "interfaces/cli/newest_rows.h"
#include "interfaces/cli/row_output.h"

enum {
    HTTP_OK = 200,
    RETRY_MS_USUAL = 1000,
    RETRY_MS_MAX = 10 * 1000,
    LOOK_MS = 250, /* while it pauses: whether anybody still reads */
    TARGET_BYTES_MAX = 1 << 20,
    REFUSAL_BYTES_MAX = 1 << 20,
    RECEIPT_BYTES_MAX = 1 << 20,
    ARENA_BYTES_MAX = 512 << 20,
    NAME_WIDTH_MIN = 14 /* of a table that does not know what will come */
};

struct follow {
    const struct lookup_access *access;
    struct folder_question *question;
    struct lookup lookup; /* for what there is already, beside the stream */
    struct server_link *link;
    struct cli_output output;
    struct row_output rows;
    struct event_stream events;
    struct newest_rows newest;
    struct arena arena; /* of one event */
    struct buffer target;
    struct buffer refusal;
    bool begun;      /* the stream was open once */
    bool connected;  /* it is */
    bool lost;       /* it was not, and that was told */
    bool is_broken;  /* printing failed, or what came was nothing to print */
    unsigned failed; /* attempts, one behind the other */
};

/* What is there already ---------------------------------------------------------------------- */

/* The receipt of what is last in front of the stream's place, for who must see all of that. */
static void append_receipt(const struct buffer *place, struct buffer *out_receipt)
{
    struct position_set reached;
    struct uuid log_id;
    size_t count = 0;
    position_set_init(&reached);
    if (live_tail_read_id(buffer_str(place), &log_id, &reached, NULL) == STATUS_OK) {
        for (size_t i = 0; i < reached.count; i++) {
            if (reached.items[i].offset > 0) {
                reached.items[count] = reached.items[i];
                reached.items[count++].offset--;
            }
        }
    }
    if (count > 0) {
        receipt_encode(log_id, reached.items, count, out_receipt);
    }
    position_set_deinit(&reached);
}

/* With a receipt the server waits until its store has caught up; one that cannot, or that does not
 * know the receipt, tells what it has. */
static enum status find_newest(struct follow *follow, struct error *err)
{
    struct buffer receipt;
    buffer_init(&receipt, RECEIPT_BYTES_MAX);
    append_receipt(&follow->events.last_id, &receipt);
    follow->question->after = receipt.failed == STATUS_OK ? buffer_str(&receipt) : STR("");
    enum status status = newest_rows_find(&follow->newest, &follow->lookup, err);
    if (receipt.len > 0 && (status == STATUS_BUSY || status == STATUS_INVALID)) {
        follow->question->after = STR("");
        newest_rows_deinit(&follow->newest);
        newest_rows_init(&follow->newest);
        status = newest_rows_find(&follow->newest, &follow->lookup, err);
    }
    follow->question->after = STR("");
    buffer_deinit(&receipt);
    return status;
}

/* Asked for when the stream is open already, so that nothing falls between. */
static enum status print_newest(struct follow *follow, struct error *err)
{
    if (follow->newest.rows != NULL) {
        return STATUS_OK;
    }
    enum status status = find_newest(follow, err);
    for (size_t i = 0; status == STATUS_OK && i < follow->newest.count; i++) {
        status = row_output_add(&follow->rows, &follow->newest.rows[i], err);
    }
    return status;
}

/* What comes --------------------------------------------------------------------------------- */

static enum status print_activity(struct follow *follow, struct str text, struct error *err)
{
    struct activity_json_answer answer = {0};
    struct activity activity;
    arena_reset(&follow->arena);
    enum status status = activity_json_answer_read(text, &follow->arena, &answer, err);
    if (status == STATUS_OK) {
        status = activity_json_answer_row(&answer, answer.root, &activity, err);
    }
    if (status == STATUS_OK && !newest_rows_hold(&follow->newest, activity.id)) {
        status = row_output_add(&follow->rows, &activity, err);
    }
    activity_json_answer_deinit(&answer);
    return status;
}

/* Nobody shall take for everything what is not. */
static enum status tell_gap(struct follow *follow, struct str text, struct error *err)
{
    struct activity_json_answer answer = {0};
    uint64_t missed = 0;
    arena_reset(&follow->arena);
    enum status status = activity_json_answer_read(text, &follow->arena, &answer, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct str reason = activity_json_answer_text(answer.root, "reason");
    if (activity_json_answer_number(answer.root, "missed", &missed)) {
        cli_tell("a gap: %llu activities are missing here (%.*s); query shows what is stored",
                 (unsigned long long)missed, STR_FORMAT(reason));
    } else {
        cli_tell("a gap: some activities may be missing here (%.*s); query shows what is stored",
                 STR_FORMAT(reason));
    }
    activity_json_answer_deinit(&answer);
    return STATUS_OK;
}

static enum status take_event(void *context, const struct stream_event *event, struct error *err)
{
    struct follow *follow = context;
    enum status status = print_newest(follow, err);
    if (status == STATUS_OK && str_equal(event->name, STR("activity"))) {
        return print_activity(follow, event->data, err);
    }
    if (status == STATUS_OK && str_equal(event->name, STR("gap"))) {
        status = row_output_flush(&follow->rows, err);
        status = status == STATUS_OK ? tell_gap(follow, event->data, err) : status;
    }
    return status; /* others are of a newer server */
}

static void begin(struct follow *follow)
{
    if (!follow->begun && follow->output.is_terminal) {
        cli_tell("following %s; Ctrl-C ends it", follow->access->server->url(follow->link));
    }
    follow->begun = follow->connected = true;
    follow->failed = 0;
    if (follow->lost) {
        cli_tell("connected again");
        follow->lost = false;
    }
}

/* The stream says its place first. */
static enum status take_piece(struct follow *follow, struct str piece, struct error *err)
{
    if (!follow->connected) {
        begin(follow);
    }
    enum status status = event_stream_take(&follow->events, piece, err);
    status = status == STATUS_OK ? print_newest(follow, err) : status;
    status = status == STATUS_OK ? row_output_flush(&follow->rows, err) : status;
    follow->is_broken = status != STATUS_OK;
    return status;
}

static enum status take(void *context, long code, struct str piece, struct error *err)
{
    struct follow *follow = context;
    if (code == HTTP_OK) {
        return take_piece(follow, piece, err);
    }
    buffer_append_str(&follow->refusal, piece);
    return STATUS_OK;
}

static bool is_abandoned(void *context)
{
    const struct follow *follow = context;
    return cli_output_is_abandoned(&follow->output);
}

/* Coming back ------------------------------------------------------------------------------- */

/* One answer, from its begin to wherever it ends. */
static enum status follow_once(struct follow *follow, struct error *err)
{
    const struct server_access *server = follow->access->server;
    const struct server_hearer hearer = {take, is_abandoned, follow};
    struct buffer *id = &follow->events.last_id;
    long code = 0;
    buffer_append_char(id, '\0');
    id->len--; /* the terminator stays behind it */
    event_stream_restart(&follow->events);
    buffer_clear(&follow->refusal);
    follow->connected = false;
    const struct server_request request = {.method = "GET",
                                           .target = follow->target.data,
                                           .last_event_id = id->len == 0 ? NULL : id->data,
                                           .is_stream = true};
    enum status status = server->ask(follow->link, &request, &hearer, &code, err);
    return status == STATUS_OK && code != HTTP_OK && !is_abandoned(follow)
               ? server_refusal(code, buffer_str(&follow->refusal), err)
               : status;
}

/* Whether it may pass: the server is away, leaves or has too much to do. */
static bool may_pass(const struct follow *follow, enum status status)
{
    bool passes = status == STATUS_OK || status == STATUS_UNAVAILABLE ||
                  status == STATUS_TIMED_OUT || status == STATUS_BUSY ||
                  (status == STATUS_INVALID && follow->events.last_id.len > 0);
    return follow->begun && passes && !follow->is_broken;
}

/* The question was understood before, so it is the place that the server does not know, as one that
 * was set up anew: without it there is at least what comes. */
static bool forget_place(struct follow *follow, enum status status)
{
    if (status != STATUS_INVALID) {
        return false;
    }
    cli_tell("a gap: the server does not know the place where the stream ended; some activities "
             "may be missing here, query shows what is stored");
    buffer_clear(&follow->events.last_id);
    return true;
}

static void wait_to_come_back(struct follow *follow, const char *reason)
{
    uint64_t pause_ms = follow->events.retry_ms * (1 + follow->failed);
    if (!follow->lost) {
        cli_tell("the stream of %s ended (%s); trying again",
                 follow->access->server->url(follow->link), reason);
        follow->lost = true;
    }
    follow->failed++;
    pause_ms = pause_ms < RETRY_MS_MAX ? pause_ms : RETRY_MS_MAX;
    for (uint64_t slept_ms = 0; slept_ms < pause_ms && !is_abandoned(follow); slept_ms += LOOK_MS) {
        follow->access->server->pause(LOOK_MS);
    }
}

static enum status follow_on(struct follow *follow, struct error *err)
{
    enum status status = follow_once(follow, err);
    while (!is_abandoned(follow) && may_pass(follow, status)) {
        if (!forget_place(follow, status)) {
            wait_to_come_back(follow, status == STATUS_OK ? "the server leaves" : err->message);
        }
        status = is_abandoned(follow) ? STATUS_OK : follow_once(follow, err);
    }
    return is_abandoned(follow) ? STATUS_OK : status;
}

/* All of it --------------------------------------------------------------------------------- */

static void init(struct follow *follow)
{
    follow->lookup = (struct lookup){.access = follow->access, .question = follow->question};
    cli_output_init(&follow->output, CLI_STANDARD_OUTPUT);
    row_output_init(&follow->rows, &follow->output, follow->question->format);
    follow->rows.table.name_width_min = NAME_WIDTH_MIN;
    event_stream_init(&follow->events, RETRY_MS_USUAL, take_event, follow);
    newest_rows_init(&follow->newest);
    arena_init(&follow->arena, ARENA_BYTES_MAX);
    buffer_init(&follow->refusal, REFUSAL_BYTES_MAX);
    buffer_init(&follow->target, TARGET_BYTES_MAX);
    buffer_append_literal(&follow->target, "/api/v1/activities/stream");
    server_append_filter(&follow->target, follow->question);
    buffer_append_char(&follow->target, '\0');
}

static void deinit(struct follow *follow)
{
    lookup_close(&follow->lookup);
    follow->access->server->close(follow->link);
    row_output_deinit(&follow->rows);
    cli_output_deinit(&follow->output);
    event_stream_deinit(&follow->events);
    newest_rows_deinit(&follow->newest);
    arena_deinit(&follow->arena);
    buffer_deinit(&follow->refusal);
    buffer_deinit(&follow->target);
}

static enum status open_links(struct follow *follow, struct error *err)
{
    const struct server_access *server = follow->access->server;
    const struct server_address *address = &follow->question->server;
    enum status status = server->open(address, &follow->link, err);
    return status == STATUS_OK ? server->open(address, &follow->lookup.link, err) : status;
}

enum status tail_follow(const struct lookup_access *access, struct folder_question *question,
                        struct error *err)
{
    static struct follow follow; /* too large for a stack */
    follow = (struct follow){.access = access, .question = question};
    init(&follow);
    enum status status = follow.target.failed == STATUS_OK
                             ? open_links(&follow, err)
                             : error_set(err, follow.target.failed, 0, "there is no memory");
    status = status == STATUS_OK ? follow_on(&follow, err) : status;
    deinit(&follow);
    return status;
}
