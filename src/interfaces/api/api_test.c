/*
 * Guards what requests mean, without a network: the exchange is a double that keeps its answer, log
 * and store are doubles that say what the test wants. Which answer is due when the log refuses,
 * when it fails later, and that every activity is counted once.
 */
#include "application/receipt.h"
#include "interfaces/api/api.h"
#include "interfaces/http/http_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_BYTES = 64 * 1024, HEADERS_MAX = 4, BATCH_MAX = 5, BODY_MAX = 4096 };

/* --- the transport, as a double --- */

struct http_exchange {
    struct http_request request;
    struct http_header headers[HEADERS_MAX];
    struct arena arena;
    char body[TEXT_BYTES];
    void *data;
    size_t body_bytes_max;
    int answers;
    int status;
    char content_type[64];
    char answer[TEXT_BYTES];
    char allow[64];
    char retry_after[16];
    char link[512];
};

static struct http_exchange exchange;
static struct http_completion completion;
static size_t completion_count;
static enum status offload_answer;

const struct http_request *http_exchange_request(const struct http_exchange *of)
{
    return &of->request;
}

struct memory_budget *http_exchange_answer_memory(const struct http_exchange *of)
{
    static struct memory_budget budget = {.bytes_max = SIZE_MAX};
    (void)of;
    return &budget;
}

struct arena *http_exchange_arena(struct http_exchange *of)
{
    return &of->arena;
}

struct http_ticket http_exchange_ticket(const struct http_exchange *of)
{
    (void)of;
    return (struct http_ticket){.loop = 0, .slot = 3, .generation = 9};
}

void http_exchange_set_data(struct http_exchange *of, void *data)
{
    of->data = data;
}

void *http_exchange_data(const struct http_exchange *of)
{
    return of->data;
}

void http_exchange_set_body_bytes_max(struct http_exchange *of, size_t bytes)
{
    of->body_bytes_max = bytes;
}

static void keep(char *into, size_t size, struct str text)
{
    snprintf(into, size, "%.*s", STR_FORMAT(text));
}

void http_exchange_respond(struct http_exchange *of, const struct http_response *response)
{
    of->answers++;
    of->status = response->status;
    keep(of->answer, sizeof of->answer, response->body.data == NULL ? STR("") : response->body);
    keep(of->content_type, sizeof of->content_type,
         response->content_type.data == NULL ? STR("") : response->content_type);
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        if (str_equal(header->name, STR("Allow"))) {
            keep(of->allow, sizeof of->allow, header->value);
        } else if (str_equal(header->name, STR("Retry-After"))) {
            keep(of->retry_after, sizeof of->retry_after, header->value);
        } else {
            assert_true(str_equal(header->name, STR("Link")));
            keep(of->link, sizeof of->link, header->value);
        }
    }
}

void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count)
{
    (void)server;
    completion = completions[0];
    completion_count += count;
}

enum status http_exchange_offload(struct http_exchange *of, http_work_function *work,
                                  http_work_done_function *done, void *data)
{
    if (offload_answer == STATUS_OK) {
        work(data);
        done(of, data);
    }
    return offload_answer;
}

/* --- log and store, as doubles --- */

struct fixture {
    struct event_log log;
    struct activity_store store;
    struct event_log_state log_state;
    enum status append_answer;
    struct append_listener *listener;
    struct append_ticket ticket;
    struct activity appended[BATCH_MAX];
    size_t appended_count;
    struct position_set log_next;

    enum status find_answer;
    struct activity row;
    size_t rows;
    bool more;
    struct activity_tally_request tally_asked;
    struct activity_tally tally;

    uint64_t now_ns;
    struct clock clock;
    struct record_activities recorder;
    struct find_activities finder;
    struct count_activities counter;
    struct erase_user eraser;
    struct store_activities *worker;
    struct logger logger;
    struct api *api;
};

static struct fixture fixture;

static enum status log_append(struct event_log *log, const struct activity *activities,
                              size_t count, struct append_listener *listener,
                              struct append_ticket ticket)
{
    (void)log;
    assert_true(count <= BATCH_MAX);
    memcpy(fixture.appended, activities, count * sizeof *activities);
    fixture.appended_count = count;
    fixture.listener = listener;
    fixture.ticket = ticket;
    return fixture.append_answer;
}

static enum status log_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                            struct activity_batch *out_batch, struct error *err)
{
    (void)log;
    (void)rows_max;
    (void)wait_ms;
    (void)err;
    *out_batch = (struct activity_batch){.next = &fixture.log_next};
    return STATUS_OK;
}

static enum status log_seek(struct event_log *log, const struct position_set *positions,
                            struct error *err)
{
    (void)log;
    (void)positions;
    (void)err;
    return STATUS_OK;
}

static enum status log_end_position(struct event_log *log, struct position_set *out_positions)
{
    (void)log;
    (void)out_positions;
    return STATUS_OK;
}

static void log_describe(struct event_log *log, struct event_log_state *out_state)
{
    (void)log;
    *out_state = fixture.log_state;
}

static const struct event_log_operations log_operations = {
    .append = log_append,
    .poll = log_poll,
    .seek = log_seek,
    .end_position = log_end_position,
    .describe = log_describe,
};

static enum status store_find(struct activity_store *store,
                              const struct activity_page_request *request, struct arena *arena,
                              struct activity_page *out_page, struct error *err)
{
    (void)store;
    (void)arena;
    if (fixture.find_answer != STATUS_OK) {
        return error_set(err, fixture.find_answer, 0, "the store says no");
    }
    assert_true(fixture.rows <= request->limit);
    *out_page =
        (struct activity_page){.rows = &fixture.row, .count = fixture.rows, .more = fixture.more};
    return STATUS_OK;
}

static enum status store_get(struct activity_store *store, struct str id, struct arena *arena,
                             struct activity *out_activity, struct error *err)
{
    (void)store;
    (void)arena;
    if (!str_equal(id, fixture.row.id)) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is no such activity");
    }
    *out_activity = fixture.row;
    return STATUS_OK;
}

static enum status store_tally(struct activity_store *store,
                               const struct activity_tally_request *request, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    (void)store;
    (void)arena;
    if (fixture.find_answer != STATUS_OK) {
        return error_set(err, fixture.find_answer, 0, "the store says no");
    }
    fixture.tally_asked = *request;
    *out_tally = fixture.tally;
    return STATUS_OK;
}

static enum status store_durable_positions(struct activity_store *store, struct uuid log_id,
                                           struct position_set *out_positions, struct error *err)
{
    (void)store;
    (void)log_id;
    (void)out_positions;
    (void)err;
    return STATUS_OK;
}

static enum status store_expire(struct activity_store *store, int64_t before_ms,
                                uint64_t *out_expired, struct error *err)
{
    (void)store;
    (void)before_ms;
    (void)err;
    *out_expired = 23;
    return STATUS_OK;
}

static void store_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    (void)store;
    *out_state = (struct activity_store_state){.kind = "double", .activities = 17};
}

static const struct activity_store_operations store_operations = {
    .find = store_find,
    .get = store_get,
    .tally = store_tally,
    .durable_positions = store_durable_positions,
    .expire = store_expire,
    .describe = store_describe,
};

static uint64_t fixture_now(void *context)
{
    (void)context;
    return fixture.now_ns;
}

static void make_use_cases(void)
{
    record_activities_init(&fixture.recorder, &fixture.log, &fixture.clock, &random_system);
    find_activities_init(&fixture.finder, &(struct find_activities_config){
                                              .store = &fixture.store,
                                              .clock = &fixture.clock,
                                              .deadline_ms = 1000,
                                              .page_bytes_max = 1 << 20,
                                          });
    count_activities_init(&fixture.counter, &(struct count_activities_config){
                                                .store = &fixture.store,
                                                .clock = &fixture.clock,
                                                .deadline_ms = 1000,
                                            });
    struct store_activities_config config = store_activities_config_default;
    config.log = &fixture.log;
    config.store = &fixture.store;
    config.random = &random_system;
    config.logger = &fixture.logger;
    config.clock = &fixture.clock;
    assert_int_equal(store_activities_new(&config, &fixture.worker, NULL), STATUS_OK);
    erase_user_init(&fixture.eraser, &(struct erase_user_config){
                                         .store = &fixture.store,
                                         .log = &fixture.log,
                                         .recorder = &fixture.recorder,
                                         .worker = fixture.worker,
                                     });
}

static int fixture_setup(void **state)
{
    (void)state;
    fixture = (struct fixture){.log.operations = &log_operations,
                               .store.operations = &store_operations,
                               .now_ns = UINT64_C(1768435085442000000)};
    fixture.clock = (struct clock){fixture_now, fixture_now, NULL};
    fixture.logger = (struct logger){.clock = &fixture.clock, .descriptor = -1};
    fixture.log_state = (struct event_log_state){.kind = "double", .log_id = {{7}}};
    fixture.row = (struct activity){.id = STR("row-1"),
                                    .user_id = STR("u"),
                                    .action = STR("a"),
                                    .metadata = STR("{}"),
                                    .timestamp_ms = 0};
    fixture.rows = 1;
    make_use_cases();
    offload_answer = STATUS_OK;
    completion_count = 0;
    exchange = (struct http_exchange){0};
    struct api_config config = {
        .recorder = &fixture.recorder,
        .finder = &fixture.finder,
        .counter = &fixture.counter,
        .eraser = &fixture.eraser,
        .log = &fixture.log,
        .store = &fixture.store,
        .worker = fixture.worker,
        .rules = &activity_rules_default,
        .clock = &fixture.clock,
        .version = "9.8.7",
        .activity_bytes_max = 1024,
        .batch_bytes_max = BODY_MAX,
        .batch_activities_max = BATCH_MAX,
        .loops = 1,
    };
    return api_new(&config, &fixture.api, NULL) == STATUS_OK ? 0 : -1;
}

static int fixture_teardown(void **state)
{
    (void)state;
    api_free(fixture.api);
    store_activities_free(fixture.worker);
    arena_deinit(&exchange.arena);
    return 0;
}

/* --- asking --- */

static struct http_exchange *request(enum http_method method, const char *target)
{
    arena_deinit(&exchange.arena);
    exchange = (struct http_exchange){.request.method = method};
    arena_init(&exchange.arena, 1 << 20);
    exchange.request.headers = exchange.headers;
    struct str rest = str_from(target);
    exchange.request.path = str_split(&rest, '?');
    exchange.request.query = rest;
    return &exchange;
}

static void add_header(struct str name, const char *value)
{
    assert_true(exchange.request.header_count < HEADERS_MAX);
    exchange.headers[exchange.request.header_count++] = (struct http_header){name, str_from(value)};
}

/* As the transport calls the handler. */
static struct http_exchange *run(void)
{
    struct http_handler handler = api_handler(fixture.api);
    handler.begin(handler.context, &exchange);
    if (exchange.answers == 0) {
        handler.handle(handler.context, &exchange);
    }
    assert_true(exchange.answers <= 1);
    return &exchange;
}

static struct http_exchange *get(const char *target)
{
    request(HTTP_METHOD_GET, target);
    return run();
}

static void set_body(const char *body)
{
    snprintf(exchange.body, sizeof exchange.body - ACTIVITY_JSON_PADDING_BYTES, "%s", body);
    exchange.request.has_body = true;
    exchange.request.body = exchange.body;
    exchange.request.body_len = strlen(exchange.body);
}

static struct http_exchange *post(const char *target, const char *body)
{
    request(HTTP_METHOD_POST, target);
    set_body(body);
    return run();
}

/* What the log says later, carried to the loop. */
static void complete(enum status status, int64_t offset, bool client_is_there)
{
    struct position reached = {0, offset};
    struct append_result result = {
        .ticket = fixture.ticket,
        .status = status,
        .durability = DURABILITY_LOCAL_DISK,
        .count = fixture.appended_count,
        .reached = status == STATUS_OK ? &reached : NULL,
        .reached_count = status == STATUS_OK,
    };
    fixture.listener->completed(fixture.listener, &result, 1);
    assert_int_equal(completion_count, 1);
    completion_count = 0;
    assert_int_equal(completion.ticket.slot, 3);
    assert_int_equal(completion.ticket.generation, 9);
    completion.run(client_is_there ? &exchange : NULL, &completion);
}

static void expect_problem(const struct http_exchange *of, int status, const char *word)
{
    assert_int_equal(of->status, status);
    assert_string_equal(of->content_type, "application/problem+json");
    if (strstr(of->answer, word) == NULL) {
        fail_msg("%s does not say %s", of->answer, word);
    }
}

static void expect_counted(uint64_t received, uint64_t accepted, uint64_t rejected)
{
    assert_int_equal(fixture.recorder.counters.received, received);
    assert_int_equal(fixture.recorder.counters.accepted, accepted);
    assert_int_equal(fixture.recorder.counters.rejected, rejected);
}

#define ONE "{\"userId\":\"u\",\"action\":\"a\",\"id\":\"own\"}"

/* --- POST --- */

static void answers_202_when_the_log_is_durable(void **state)
{
    (void)state;
    post("/logs", "{\"userId\":\"101\",\"action\":\"login\"}");
    assert_int_equal(exchange.body_bytes_max, BODY_MAX);
    assert_int_equal(exchange.answers, 0);
    expect_counted(0, 0, 0);
    complete(STATUS_OK, 41, true);
    assert_int_equal(exchange.status, 202);
    assert_string_equal(exchange.content_type, "application/json");
    char expected[512];
    struct buffer receipt;
    buffer_init(&receipt, 1024);
    receipt_encode(fixture.log_state.log_id, &(struct position){0, 41}, 1, &receipt);
    snprintf(expected, sizeof expected,
             "{\"status\":\"success\",\"message\":\"Log queued successfully\",\"id\":\"%.*s\","
             "\"durability\":\"local-disk\",\"receipt\":\"%.*s\"}",
             STR_FORMAT(fixture.appended[0].id), STR_FORMAT(buffer_str(&receipt)));
    assert_string_equal(exchange.answer, expected);
    buffer_deinit(&receipt);
    expect_counted(1, 1, 0);
}

static void rejects_items_one_by_one(void **state)
{
    (void)state;
    post("/api/v1/activities", "[" ONE ",{\"userId\":\"u\"},7,{\"userId\":\"v\",\"action\":\"b\","
                               "\"id\":\"two\"}]");
    assert_int_equal(fixture.appended_count, 2);
    complete(STATUS_OK, 5, true);
    assert_int_equal(exchange.status, 202);
    assert_non_null(strstr(exchange.answer, "{\"status\":\"success\",\"accepted\":2,\"rejected\":2,"
                                            "\"durability\":\"local-disk\",\"receipt\":\""));
    assert_non_null(strstr(exchange.answer,
                           "\"results\":[{\"index\":0,\"id\":\"own\"},{\"index\":1,"
                           "\"error\":{\"type\":\"/problems/invalid-activity\""));
    assert_non_null(strstr(exchange.answer, "\"pointer\":\"/action\""));
    assert_non_null(strstr(exchange.answer, "{\"index\":3,\"id\":\"two\"}]}"));
    expect_counted(4, 2, 2);
}

static void bad_bodies_are_told(void **state)
{
    (void)state;
    expect_problem(post("/logs", "{\"userId\":\"u\"}"), 400, "\"pointer\":\"/action\"");
    expect_problem(post("/logs", "{\"userId\":\"u\"}"), 400, "\"message\":\"action: is required\"");
    expect_problem(post("/logs", ""), 400, "no JSON");
    expect_problem(post("/logs", "{"), 400, "not JSON");
    expect_counted(4, 0, 4);
    expect_problem(post("/logs", "[]"), 400, "empty");
    expect_problem(post("/logs", "[" ONE), 400, "not a JSON array");
    expect_counted(4, 0, 4);
    expect_problem(post("/logs", "[7,8]"), 400, "nothing-accepted");
    expect_problem(post("/logs", "[7,8]"), 400, "\"accepted\":0,\"rejected\":2,\"results\":[{");
    expect_counted(8, 0, 8);
    expect_problem(post("/logs", "[1,2,3,4,5,6]"), 413, "at most 5");
    assert_int_equal(fixture.appended_count, 0);
}

static void an_activity_that_is_too_large_is_413(void **state)
{
    (void)state;
    char body[2048];
    snprintf(body, sizeof body, "{\"userId\":\"%0*d\",\"action\":\"a\"}", 1500, 1);
    expect_problem(post("/logs", body), 413, "1024 bytes");
}

struct failure_case {
    enum status status;
    int answer;
    const char *retry_after;
};

/* Whether the log says no at once or later. */
static void a_log_that_says_no_is_told(void **state)
{
    (void)state;
    static const struct failure_case cases[] = {
        {STATUS_BUSY, 503, "1"},      {STATUS_UNAVAILABLE, 503, "5"}, {STATUS_TIMED_OUT, 503, "5"},
        {STATUS_NO_SPACE, 507, "30"}, {STATUS_NO_MEMORY, 503, "1"},   {STATUS_TOO_LARGE, 413, ""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        fixture.append_answer = cases[i].status;
        post("/logs", "[" ONE ",7]");
        assert_int_equal(exchange.status, cases[i].answer);
        assert_string_equal(exchange.retry_after, cases[i].retry_after);
        fixture.append_answer = STATUS_OK;
        post("/logs", ONE);
        complete(cases[i].status, 0, true);
        assert_int_equal(exchange.status, cases[i].answer);
    }
    expect_counted(3 * ARRAY_LENGTH(cases), 0, 3 * ARRAY_LENGTH(cases));
}

static void a_client_that_left_harms_nothing(void **state)
{
    (void)state;
    post("/logs", ONE);
    complete(STATUS_OK, 1, false);
    assert_int_equal(exchange.answers, 0);
    assert_true(fixture.recorder.counters.received ==
                fixture.recorder.counters.accepted + fixture.recorder.counters.rejected);
}

static void kinds_of_bodies_are_checked_before_they_are_read(void **state)
{
    (void)state;
    static const char *const fine[] = {"application/json", "Application/JSON",
                                       "application/json; charset=utf-8",
                                       "application/json;charset=\"UTF-8\" ; x=y"};
    static const char *const wrong[] = {"text/plain",
                                        "application/jsonx",
                                        "application/json5",
                                        "application/json; charset=latin1",
                                        "",
                                        "json",
                                        "multipart/form-data"};
    for (size_t i = 0; i < ARRAY_LENGTH(fine); i++) {
        request(HTTP_METHOD_POST, "/logs");
        set_body(ONE);
        add_header(STR("CONTENT-TYPE"), fine[i]);
        add_header(STR("Content-Encoding"), "identity");
        assert_int_equal(run()->answers, 0);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        request(HTTP_METHOD_POST, "/logs");
        set_body(ONE);
        add_header(STR("content-type"), wrong[i]);
        expect_problem(run(), 415, "application/json");
        assert_int_equal(exchange.body_bytes_max, 0);
    }
    request(HTTP_METHOD_POST, "/logs");
    set_body(ONE);
    add_header(STR("content-encoding"), "gzip");
    expect_problem(run(), 415, "Content-Encoding");
    request(HTTP_METHOD_POST, "/logs");
    expect_problem(run(), 411, "Content-Length");
}

static void post_takes_no_parameters(void **state)
{
    (void)state;
    expect_problem(post("/logs?dryrun=1", ONE), 400, "the parameter dryrun is not known");
    expect_problem(post("/logs?\xff=1", ONE), 400, "not known");
    assert_null(strchr(exchange.answer, '\xff'));
    assert_int_equal(fixture.appended_count, 0);
}

/* --- routes and methods --- */

static void other_methods_are_refused_by_the_route(void **state)
{
    (void)state;
    static const enum http_method others[] = {HTTP_METHOD_DELETE, HTTP_METHOD_PUT,
                                              HTTP_METHOD_PATCH, HTTP_METHOD_OTHER};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        request(others[i], "/logs");
        expect_problem(run(), 405, "GET, HEAD, POST, OPTIONS");
        assert_string_equal(exchange.allow, "GET, HEAD, POST, OPTIONS");
    }
    expect_problem(post("/logs/id", ONE), 405, "GET, HEAD, OPTIONS");
    expect_problem(post("/livez", ONE), 405, "GET, HEAD, OPTIONS");
    expect_problem(get("/nowhere"), 404, "/api/v1/activities");
    request(HTTP_METHOD_OPTIONS, "/api/logs/");
    assert_int_equal(run()->status, 204);
    assert_string_equal(exchange.allow, "GET, HEAD, POST, OPTIONS");
    request(HTTP_METHOD_OPTIONS, "*");
    assert_int_equal(run()->status, 204);
    assert_string_equal(exchange.allow, "GET, HEAD, POST, DELETE, OPTIONS");
}

static void users_can_only_be_erased(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/users", "/api/v1/users/", "/api/v1/users/ann"};
    static const enum http_method others[] = {HTTP_METHOD_GET,   HTTP_METHOD_HEAD,
                                              HTTP_METHOD_POST,  HTTP_METHOD_PUT,
                                              HTTP_METHOD_PATCH, HTTP_METHOD_OTHER};
    for (size_t path = 0; path < ARRAY_LENGTH(paths); path++) {
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
            request(others[i], paths[path]);
            expect_problem(run(), 405, "DELETE, OPTIONS");
            assert_string_equal(exchange.allow, "DELETE, OPTIONS");
        }
        request(HTTP_METHOD_DELETE, paths[path]);
        run();
        assert_int_equal(exchange.status, path < 2 ? 400 : 503); /* nothing was replayed yet */
        assert_int_equal(exchange.body_bytes_max, 0); /* so the transport refuses any body */
    }
}

/* --- GET --- */

static void a_page_has_its_shape(void **state)
{
    (void)state;
    get("/logs?userId=u&page=2");
    assert_int_equal(exchange.status, 200);
    assert_string_equal(
        exchange.answer,
        "{\"status\":\"success\",\"results\":1,\"page\":2,\"data\":[{\"id\":\"row-1\","
        "\"userId\":\"u\",\"action\":\"a\",\"timestamp\":\"1970-01-01T00:00:00.000Z\","
        "\"metadata\":{}}],\"nextCursor\":null}");
    assert_string_equal(exchange.link, "");
    fixture.rows = 0;
    request(HTTP_METHOD_HEAD, "/api/v1/activities");
    run();
    assert_string_equal(exchange.answer,
                        "{\"status\":\"success\",\"results\":0,\"page\":1,\"data\":[],"
                        "\"nextCursor\":null}");
}

static void the_link_leads_to_the_next_page(void **state)
{
    (void)state;
    fixture.more = true;
    get("/api/logs?page=1&userId=u&limit=1");
    const char *begin = "</api/logs?userId=u&limit=1&cursor=";
    assert_memory_equal(exchange.link, begin, strlen(begin));
    assert_non_null(strstr(exchange.link, ">; rel=\"next\""));
    char target[512];
    snprintf(target, sizeof target, "%.*s", (int)strcspn(exchange.link + 1, ">"),
             exchange.link + 1);
    get(target);
    assert_int_equal(exchange.status, 200);
    assert_non_null(strstr(exchange.answer, "\"page\":null"));
}

static void a_failed_question_is_told(void **state)
{
    (void)state;
    expect_problem(get("/logs?user=x"), 400, "the parameter user is not known");
    expect_problem(get("/logs?cursor=x"), 400, "not a cursor");
    expect_problem(get("/logs?page=1000000"), 400, "cursor");
    expect_problem(get("/api/v1/stats"), 400, "by must be action, user, hour or day");
    fixture.find_answer = STATUS_TIMED_OUT;
    expect_problem(get("/logs"), 503, "the store says no");
    assert_string_equal(exchange.retry_after, "5");
    fixture.find_answer = STATUS_CORRUPT;
    expect_problem(get("/logs"), 500, "the store says no");
    fixture.find_answer = STATUS_TOO_LARGE;
    expect_problem(get("/api/v1/stats?by=user"), 400, "the store says no");
    offload_answer = STATUS_BUSY;
    expect_problem(get("/logs"), 503, "more questions");
    expect_problem(get("/logs/row-1"), 503, "more questions");
    expect_problem(get("/api/v1/stats?by=user"), 503, "more questions");
    expect_problem(get("/health"), 503, "cannot be told");
}

static void one_activity_by_its_id(void **state)
{
    (void)state;
    get("/api/v1/activities/row%2D1");
    assert_int_equal(exchange.status, 200);
    assert_memory_equal(exchange.answer, "{\"id\":\"row-1\",", 14);
    expect_problem(get("/logs/other"), 404, "no such activity");
    expect_problem(get("/logs/a%2Fb"), 404, "no such activity");
    expect_problem(get("/logs/%zz"), 404, "no activity with this id");
    expect_problem(get("/logs/%ff"), 404, "no activity with this id");
    expect_problem(get("/logs/row-1?fields=id"), 400, "fields");
}

/* --- GET of counts --- */

static void counts_have_their_shape(void **state)
{
    (void)state;
    struct activity_group named[] = {{.name = STR("a"), .count = 12},
                                     {.name = STR("c"), .count = 1}};
    fixture.tally = (struct activity_tally){.groups = named, .count = 2, .more = true};
    get("/api/v1/stats?by=action&limit=2&userId=u");
    assert_string_equal(exchange.content_type, "application/json");
    assert_string_equal(exchange.answer,
                        "{\"status\":\"success\",\"by\":\"action\",\"data\":[{\"key\":\"a\","
                        "\"count\":12},{\"key\":\"c\",\"count\":1}],\"more\":true}");
    assert_int_equal(fixture.tally_asked.limit, 2);
    assert_int_equal(fixture.tally_asked.filter.user_id_count, 1);
    struct activity_group hour = {.start_ms = INT64_C(1768431600000), .count = 3};
    fixture.tally = (struct activity_tally){.groups = &hour, .count = 1};
    get("/api/v1/stats?by=hour");
    assert_string_equal(exchange.answer,
                        "{\"status\":\"success\",\"by\":\"hour\",\"data\":["
                        "{\"key\":\"2026-01-14T23:00:00.000Z\",\"count\":3}],\"more\":false}");
    fixture.tally = (struct activity_tally){0};
    request(HTTP_METHOD_HEAD, "/api/v1/stats?by=day");
    run();
    assert_string_equal(exchange.answer,
                        "{\"status\":\"success\",\"by\":\"day\",\"data\":[],\"more\":false}");
}

/* --- probes --- */

static void ready_means_caught_up_and_accepting(void **state)
{
    (void)state;
    expect_problem(get("/readyz"), 503, "still being filled");
    assert_int_equal(store_activities_step(fixture.worker, NULL), STATUS_OK);
    assert_int_equal(get("/readyz")->status, 200);
    assert_string_equal(exchange.answer, "{\"status\":\"ready\"}");
    fixture.log_state.accepting = STATUS_NO_SPACE; /* reads work, writes are told 507 */
    assert_int_equal(get("/readyz")->status, 200);
    fixture.log_state.accepting = STATUS_UNAVAILABLE;
    snprintf(fixture.log_state.reason, sizeof fixture.log_state.reason, "the fsync \"failed\"");
    expect_problem(get("/readyz"), 503, "the fsync \\\"failed\\\"");
    expect_problem(get("/readyz?verbose"), 503, "\"eventLog\":{");
    fixture.log_state.accepting = STATUS_OK;
    api_begin_drain(fixture.api);
    expect_problem(get("/readyz"), 503, "shutting down");
    assert_int_equal(get("/livez")->status, 200);
    expect_problem(get("/livez?x=1"), 400, "the parameter x");
}

static void health_names_every_part(void **state)
{
    (void)state;
    assert_int_equal(store_activities_step(fixture.worker, NULL), STATUS_OK);
    post("/logs", ONE);
    complete(STATUS_OK, 0, true);
    fixture.eraser.erasures = 3;
    fixture.eraser.activities = 21;
    get("/health");
    assert_int_equal(exchange.status, 200);
    static const char *const parts[] = {
        "{\"status\":\"ok\",\"eventLog\":{\"kind\":\"double\"",
        "\"store\":{\"kind\":\"double\",\"durable\":false,\"activities\":17",
        "\"worker\":{\"state\":\"running\",\"pending\":0",
        "\"expired\":23}",
        "\"requests\":{\"received\":1,\"accepted\":1,\"rejected\":0}",
        "\"erasures\":{\"count\":3,\"activities\":21}",
        "\"version\":\"9.8.7\"}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        if (strstr(exchange.answer, parts[i]) == NULL) {
            fail_msg("%s does not hold %s", exchange.answer, parts[i]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_202_when_the_log_is_durable),
        TEST(rejects_items_one_by_one),
        TEST(bad_bodies_are_told),
        TEST(an_activity_that_is_too_large_is_413),
        TEST(a_log_that_says_no_is_told),
        TEST(a_client_that_left_harms_nothing),
        TEST(kinds_of_bodies_are_checked_before_they_are_read),
        TEST(post_takes_no_parameters),
        TEST(other_methods_are_refused_by_the_route),
        TEST(users_can_only_be_erased),
        TEST(a_page_has_its_shape),
        TEST(the_link_leads_to_the_next_page),
        TEST(a_failed_question_is_told),
        TEST(one_activity_by_its_id),
        TEST(counts_have_their_shape),
        TEST(ready_means_caught_up_and_accepting),
        TEST(health_names_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
