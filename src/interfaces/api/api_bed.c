#include "interfaces/api/api_bed.h"

#include "application/receipt.h"
#include "base/assert.h"

#include <stdio.h>
#include <time.h>

enum { TICKET_SLOT = 3, TICKET_GENERATION = 9 };

/* The transport ----------------------------------------------------------------------------- */

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct memory_budget *http_exchange_answer_memory(const struct http_exchange *exchange)
{
    static struct memory_budget budget = {.bytes_max = SIZE_MAX};
    (void)exchange;
    return &budget;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

struct http_ticket http_exchange_ticket(const struct http_exchange *exchange)
{
    (void)exchange;
    return (struct http_ticket){.loop = 0, .slot = TICKET_SLOT, .generation = TICKET_GENERATION};
}

void http_exchange_set_data(struct http_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *http_exchange_data(const struct http_exchange *exchange)
{
    return exchange->data;
}

void http_exchange_set_caller(struct http_exchange *exchange, const void *caller)
{
    exchange->caller = caller;
}

const void *http_exchange_caller(const struct http_exchange *exchange)
{
    return exchange->caller;
}

void http_exchange_set_trace(struct http_exchange *exchange, void *trace)
{
    exchange->trace = trace;
}

void *http_exchange_trace(const struct http_exchange *exchange)
{
    return exchange->trace;
}

struct http_peer http_exchange_peer(const struct http_exchange *exchange)
{
    return exchange->peer;
}

void http_exchange_set_route(struct http_exchange *exchange, unsigned route)
{
    exchange->route = route;
}

void http_server_tell_metrics(const struct http_server *server, struct metric_text *text)
{
    (void)server;
    (void)text;
}

void http_exchange_set_name(struct http_exchange *exchange, struct str name)
{
    exchange->name = name;
}

struct str http_exchange_name(const struct http_exchange *exchange)
{
    return exchange->name;
}

char *http_exchange_scratch(struct http_exchange *exchange)
{
    return exchange->scratch;
}

uint64_t http_exchange_age_ms(const struct http_exchange *exchange)
{
    return exchange->age_ms;
}

void http_exchange_set_body_bytes_max(struct http_exchange *exchange, size_t bytes)
{
    exchange->body_bytes_max = bytes;
}

/* Bodies and answers that come piece by piece are tested with the real transport. */

struct memory_budget *http_exchange_body_memory(const struct http_exchange *exchange)
{
    return http_exchange_answer_memory(exchange);
}

enum status http_exchange_decode_body(struct http_exchange *exchange, enum http_coding coding)
{
    (void)exchange;
    (void)coding;
    return STATUS_NO_MEMORY;
}

enum status http_exchange_stream_body(struct http_exchange *exchange,
                                      const struct http_body_consumer *consumer)
{
    (void)exchange;
    (void)consumer;
    return STATUS_NO_MEMORY;
}

void http_exchange_pause_body(struct http_exchange *exchange)
{
    (void)exchange;
    ASSERT(false);
}

void http_exchange_resume_body(struct http_exchange *exchange)
{
    (void)exchange;
    ASSERT(false);
}

enum status http_exchange_respond_streamed(struct http_exchange *exchange,
                                           const struct http_response *response,
                                           const struct http_stream_writer *writer,
                                           bool *out_wants_body)
{
    (void)exchange;
    (void)response;
    (void)writer;
    (void)out_wants_body;
    return STATUS_NO_MEMORY;
}

enum status http_exchange_write(struct http_exchange *exchange, struct str data)
{
    (void)exchange;
    (void)data;
    return STATUS_BUSY;
}

size_t http_exchange_unsent_bytes(const struct http_exchange *exchange)
{
    (void)exchange;
    return 0;
}

void http_exchange_end(struct http_exchange *exchange)
{
    (void)exchange;
    ASSERT(false);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    (void)exchange;
    ASSERT(false);
}

static void keep(char *into, size_t size, struct str text)
{
    snprintf(into, size, "%.*s", STR_FORMAT(text.data == NULL ? STR("") : text));
}

void http_exchange_put_field(struct http_exchange *exchange, struct str name, struct str value)
{
    size_t used = strlen(exchange->fields);
    snprintf(exchange->fields + used, sizeof exchange->fields - used, "%.*s: %.*s\n",
             STR_FORMAT(name), STR_FORMAT(value));
}

static void keep_header(struct http_exchange *exchange, const struct http_header *header)
{
    if (str_equal(header->name, STR("Allow"))) {
        keep(exchange->allow, sizeof exchange->allow, header->value);
    } else if (str_equal(header->name, STR("Retry-After"))) {
        keep(exchange->retry_after, sizeof exchange->retry_after, header->value);
    } else if (str_equal(header->name, STR("ETag"))) {
        keep(exchange->etag, sizeof exchange->etag, header->value);
    } else if (str_equal(header->name, STR("Cache-Control"))) {
        keep(exchange->cache_control, sizeof exchange->cache_control, header->value);
    } else if (str_equal(header->name, STR("Link"))) {
        keep(exchange->link, sizeof exchange->link, header->value);
    } else {
        http_exchange_put_field(exchange, header->name, header->value);
    }
}

void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    exchange->answers++;
    exchange->status = response->status;
    keep(exchange->answer, sizeof exchange->answer, response->body);
    keep(exchange->content_type, sizeof exchange->content_type, response->content_type);
    for (size_t i = 0; i < response->header_count; i++) {
        keep_header(exchange, &response->headers[i]);
    }
}

void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count)
{
    server->completion = completions[0];
    server->completion_count += count;
}

void http_server_complete_patiently(struct http_server *server,
                                    const struct http_completion *completions, size_t count)
{
    http_server_complete(server, completions, count);
}

enum status http_exchange_offload(struct http_exchange *exchange, http_work_function *work,
                                  http_work_done_function *done, void *data)
{
    struct api_bed *bed = CONTAINER_OF(exchange, struct api_bed, exchange);
    if (bed->offload_answer == STATUS_OK) {
        bed->now_ns += bed->pool_wait_ns;
        work(data);
        done(exchange, data);
    }
    return bed->offload_answer;
}

enum status http_exchange_offload_further(struct http_exchange *exchange, http_work_function *work,
                                          http_work_done_function *done, void *data)
{
    return http_exchange_offload(exchange, work, done, data);
}

/* The log ----------------------------------------------------------------------------------- */

static struct api_bed *bed_of_log(struct event_log *log)
{
    return CONTAINER_OF(log, struct api_bed, log);
}

static enum status log_append(struct event_log *log, const struct activity *activities,
                              size_t count, struct append_listener *listener,
                              struct append_ticket ticket)
{
    struct api_bed *bed = bed_of_log(log);
    ASSERT(count <= BED_BATCH_MAX);
    memcpy(bed->appended, activities, count * sizeof *activities);
    bed->appended_count = count;
    bed->listener = listener;
    bed->ticket = ticket;
    if (listener == &bed->resender.listener && bed->append_answer == STATUS_OK) {
        const struct append_result result = {
            .ticket = ticket, .durability = DURABILITY_LOCAL_DISK, .count = count};
        listener->completed(listener, &result, 1); /* which nobody carries to a loop */
    }
    return bed->append_answer;
}

static enum status log_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                            struct activity_batch *out_batch, struct error *err)
{
    (void)rows_max;
    (void)wait_ms;
    (void)err;
    *out_batch = (struct activity_batch){.next = &bed_of_log(log)->log_next};
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
    return position_set_raise_all(out_positions, &bed_of_log(log)->log_end);
}

static void log_describe(struct event_log *log, struct event_log_state *out_state)
{
    *out_state = bed_of_log(log)->log_state;
}

static const struct event_log_operations log_operations = {
    .append = log_append,
    .poll = log_poll,
    .seek = log_seek,
    .end_position = log_end_position,
    .describe = log_describe,
};

/* The store --------------------------------------------------------------------------------- */

static struct api_bed *bed_of_store(struct activity_store *store)
{
    return CONTAINER_OF(store, struct api_bed, store);
}

static enum status store_find(struct activity_store *store,
                              const struct activity_page_request *request, struct arena *arena,
                              struct activity_page *out_page, struct error *err)
{
    struct api_bed *bed = bed_of_store(store);
    (void)arena;
    if (bed->find_answer != STATUS_OK) {
        return error_set(err, bed->find_answer, 0, "the store says no");
    }
    ASSERT(bed->rows <= request->limit);
    bed->find_filter_users = request->filter.user_ids.count;
    bed->find_deadline_ns = request->deadline_ns;
    if (request->filter.user_ids.count > 0) {
        static char user[64];
        keep(user, sizeof user, request->filter.user_ids.items[0]);
        bed->find_user = str_from(user);
    }
    *out_page = (struct activity_page){.rows = &bed->row, .count = bed->rows, .more = bed->more};
    return STATUS_OK;
}

static enum status store_get(struct activity_store *store, struct str id, struct arena *arena,
                             struct activity *out_activity, struct error *err)
{
    const struct api_bed *bed = bed_of_store(store);
    (void)arena;
    if (!str_equal(id, bed->row.id)) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is no such activity");
    }
    *out_activity = bed->row;
    return STATUS_OK;
}

static enum status store_count(struct activity_store *store, const struct activity_filter *filter,
                               uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    (void)filter;
    (void)deadline_ns;
    (void)err;
    *out_count = bed_of_store(store)->counted;
    return STATUS_OK;
}

static enum status store_tally(struct activity_store *store,
                               const struct activity_tally_request *request, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    struct api_bed *bed = bed_of_store(store);
    (void)arena;
    if (bed->find_answer != STATUS_OK) {
        return error_set(err, bed->find_answer, 0, "the store says no");
    }
    bed->tally_asked = *request;
    if (request->grouping == GROUP_BY_TIME) {
        *out_tally = bed->times;
        return STATUS_OK;
    }
    *out_tally = bed->tally;
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

static enum status store_accounts(struct activity_store *store, struct coverage *out_accounts,
                                  struct error *err)
{
    struct api_bed *bed = bed_of_store(store);
    return bed->find_answer == STATUS_OK ? coverage_raise_all(out_accounts, &bed->accounts)
                                         : error_set(err, bed->find_answer, 0, "the store says no");
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
    .count = store_count,
    .tally = store_tally,
    .durable_positions = store_durable_positions,
    .accounts = store_accounts,
    .expire = store_expire,
    .describe = store_describe,
};

/* The refused list -------------------------------------------------------------------------- */

static struct api_bed *bed_of_refusals(struct refusal_list *list)
{
    return CONTAINER_OF(list, struct api_bed, refusals);
}

/* "entry-<n>", refused at millisecond n, for n from refused_count down to 1. */
static enum status refusals_find(struct refusal_list *list,
                                 const struct refusal_page_request *request, struct arena *arena,
                                 struct refusal_page *out_page, struct error *err)
{
    struct api_bed *bed = bed_of_refusals(list);
    if (bed->refused_answer != STATUS_OK) {
        return error_set(err, bed->refused_answer, 0, "the list says no");
    }
    int64_t next =
        request->after == NULL ? (int64_t)bed->refused_count : request->after->refused_at_ms - 1;
    size_t count = 0;
    while (next > 0 && count < request->limit) {
        char id[16];
        snprintf(id, sizeof id, "entry-%d", (int)next);
        bed->refused[count++] = (struct refusal_entry){.id = arena_copy_str(arena, str_from(id)),
                                                       .log_id = bed->log_state.log_id,
                                                       .refusal = {.position = {0, next},
                                                                   .key = STR("k"),
                                                                   .raw = STR("\xff"),
                                                                   .reason = STR("no activity")},
                                                       .refused_at_ms = next};
        next--;
    }
    *out_page = (struct refusal_page){bed->refused, count, next > 0};
    return STATUS_OK;
}

/* "entry-1" is an activity, all others are none. */
static enum status refusals_get(struct refusal_list *list, struct str id, struct arena *arena,
                                struct refusal_entry *out_entry, struct error *err)
{
    struct str raw = str_equal(id, STR("entry-1")) ? STR(BED_ONE) : STR("{}");
    (void)arena;
    if (!str_starts_with(id, STR("entry-"))) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id");
    }
    *out_entry = (struct refusal_entry){.id = id,
                                        .log_id = bed_of_refusals(list)->log_state.log_id,
                                        .refusal = {.raw = raw, .reason = STR("no activity")}};
    return STATUS_OK;
}

static enum status refusals_remove(struct refusal_list *list, struct str id, struct error *err)
{
    struct api_bed *bed = bed_of_refusals(list);
    (void)id;
    bed->removed++;
    return bed->refused_answer == STATUS_OK
               ? STATUS_OK
               : error_set(err, bed->refused_answer, 0, "the list says no");
}

static void refusals_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    *out_state = (struct refusal_list_state){.kind = "double",
                                             .listed = bed_of_refusals(list)->refused_count,
                                             .bytes = 345,
                                             .dropped = 6};
}

static const struct refusal_list_operations refusal_operations = {
    .find = refusals_find,
    .get = refusals_get,
    .remove = refusals_remove,
    .describe = refusals_describe,
};

static enum status sign(struct checkpoint_source *source, struct buffer *out_text,
                        struct error *err)
{
    enum status answer = CONTAINER_OF(source, struct api_bed, checkpoints)->sign_answer;
    if (answer != STATUS_OK) {
        return error_set(err, answer, 0, "nothing was sealed yet");
    }
    buffer_append_str(out_text, STR(BED_CHECKPOINT));
    return STATUS_OK;
}

/* Hashes ------------------------------------------------------------------------------------ */

/* Sums in place of a hash: they differ wherever tests need it, and so does their order. */
static enum status hash_parts(void *context, const struct str *parts, size_t count,
                              uint8_t out_hash[CONTENT_HASH_BYTES])
{
    uint64_t sum = 1469598103934665603u;
    (void)context;
    for (size_t part = 0; part < count; part++) {
        for (size_t i = 0; i < parts[part].len; i++) {
            sum = (sum ^ (uint8_t)parts[part].data[i]) * 1099511628211u;
        }
    }
    for (size_t i = 0; i < CONTENT_HASH_BYTES; i++) {
        sum = sum * 1099511628211u + 1;
        out_hash[i] = (uint8_t)(sum >> 56);
    }
    return STATUS_OK;
}

static const struct content_hash hash = {hash_parts, NULL};

/* The bed ----------------------------------------------------------------------------------- */

static uint64_t now(void *context)
{
    return *(uint64_t *)context;
}

static void make_use_cases(struct api_bed *bed)
{
    record_activities_init(&bed->recorder, &bed->log, &bed->clock, &random_system);
    find_activities_init(&bed->finder, &(struct find_activities_config){
                                           .store = &bed->store,
                                           .deadline_ms = 1000,
                                           .page_bytes_max = 1 << 20,
                                       });
    count_activities_init(&bed->counter, &(struct count_activities_config){
                                             .store = &bed->store,
                                             .deadline_ms = 1000,
                                         });
    summarize_user_init(&bed->summarizer, &(struct summarize_user_config){
                                              .store = &bed->store,
                                              .deadline_ms = 1000,
                                          });
    bed->lister = (struct list_refusals){.list = &bed->refusals, .page_bytes_max = 1 << 20};
    struct store_activities_config config = store_activities_config_default;
    config.log = &bed->log;
    config.store = &bed->store;
    config.refusals = &bed->refusals;
    config.random = &random_system;
    config.logger = &bed->logger;
    config.clock = &bed->clock;
    ASSERT(store_activities_new(&config, &bed->worker, NULL) == STATUS_OK);
    ASSERT(resend_refusals_init(&bed->resender,
                                &(struct resend_refusals_config){.lister = &bed->lister,
                                                                 .log = &bed->log,
                                                                 .recorder = &bed->recorder,
                                                                 .clock = &bed->clock,
                                                                 .wait_ms = 20},
                                NULL) == STATUS_OK);
    accounting_init(&bed->accounting, &(struct accounting){.log = &bed->log,
                                                           .store = &bed->store,
                                                           .recorder = &bed->recorder,
                                                           .worker = bed->worker,
                                                           .clock = &bed->clock});
    erase_user_init(&bed->eraser, &(struct erase_user_config){
                                      .store = &bed->store,
                                      .log = &bed->log,
                                      .recorder = &bed->recorder,
                                      .worker = bed->worker,
                                  });
}

static void make_waits(struct api_bed *bed)
{
    const struct await_stored_config config = {
        .log = &bed->log, .clock = &bed->clock, .waits_max = 1, .wait_ms = 1};
    ASSERT(await_stored_new(&config, &bed->waits, NULL) == STATUS_OK);
}

static void make_api(struct api_bed *bed)
{
    const struct api_config config = {
        .recorder = &bed->recorder,
        .finder = &bed->finder,
        .counter = &bed->counter,
        .waits = bed->waits,
        .summarizer = &bed->summarizer,
        .tag_hash = &hash,
        .eraser = &bed->eraser,
        .refusals = &bed->lister,
        .resender = &bed->resender,
        .accounting = &bed->accounting,
        .checkpoints = &bed->checkpoints,
        .log = &bed->log,
        .store = &bed->store,
        .worker = bed->worker,
        .cors_origins = STR(BED_ORIGINS),
        .rules = &activity_rules_default,
        .clock = &bed->clock,
        .random = &random_system,
        .logger = &bed->logger,
        .hashes = &hash,
        .version = "9.8.7",
        .activity_bytes_max = BED_ACTIVITY_MAX,
        .batch_bytes_max = BED_BODY_MAX,
        .batch_activities_max = BED_BATCH_MAX,
        .loops = 1,
    };
    ASSERT(api_new(&config, &bed->api, NULL) == STATUS_OK);
    api_set_server(bed->api, &bed->server);
}

int bed_setup(void **state)
{
    static struct api_bed bed;
    bed = (struct api_bed){.log.operations = &log_operations,
                           .log_state = {.kind = "double", .log_id = {{7}}},
                           .result_log_id = {{8}},
                           .store.operations = &store_operations,
                           .refusals.operations = &refusal_operations,
                           .row = {.id = STR("row-1"),
                                   .user_id = STR("u"),
                                   .action = STR("a"),
                                   .metadata = STR("{}"),
                                   .timestamp_ms = 0},
                           .rows = 1,
                           .checkpoints.sign = sign,
                           .now_ns = UINT64_C(1768435085442000000)};
    bed.clock = (struct clock){now, now, &bed.now_ns};
    bed.logger = (struct logger){.clock = &bed.clock, .descriptor = -1};
    make_use_cases(&bed);
    make_waits(&bed);
    make_api(&bed);
    *state = &bed;
    return 0;
}

int bed_teardown(void **state)
{
    struct api_bed *bed = *state;
    await_stored_stop(bed->waits);
    await_stored_free(bed->waits);
    api_free(bed->api);
    store_activities_free(bed->worker);
    resend_refusals_deinit(&bed->resender);
    coverage_deinit(&bed->accounts);
    position_set_deinit(&bed->log_end);
    arena_deinit(&bed->exchange.arena);
    return 0;
}

/* Asking ------------------------------------------------------------------------------------ */

void bed_request(struct api_bed *bed, enum http_method method, const char *target)
{
    struct http_exchange *exchange = &bed->exchange;
    struct str rest = str_from(target);
    arena_deinit(&exchange->arena);
    *exchange = (struct http_exchange){.request.method = method};
    arena_init(&exchange->arena, 1 << 20);
    exchange->request.headers = exchange->headers;
    exchange->request.path = str_split(&rest, '?');
    exchange->request.query = rest;
}

void bed_add_header(struct api_bed *bed, struct str name, const char *value)
{
    struct http_request *request = &bed->exchange.request;
    ASSERT(request->header_count < BED_HEADERS_MAX);
    bed->exchange.headers[request->header_count++] = (struct http_header){name, str_from(value)};
}

void bed_set_body(struct api_bed *bed, const char *body)
{
    struct http_exchange *exchange = &bed->exchange;
    snprintf(exchange->body, sizeof exchange->body - ACTIVITY_JSON_PADDING_BYTES, "%s", body);
    exchange->request.has_body = true;
    exchange->request.body = exchange->body;
    exchange->request.body_len = strlen(exchange->body);
}

const struct http_exchange *bed_run(struct api_bed *bed)
{
    struct http_handler handler = api_handler(bed->api);
    handler.begin(handler.context, &bed->exchange);
    if (bed->exchange.answers == 0) {
        handler.handle(handler.context, &bed->exchange);
    }
    ASSERT(bed->exchange.answers <= 1);
    return &bed->exchange;
}

const struct http_exchange *bed_get(struct api_bed *bed, const char *target)
{
    bed_request(bed, HTTP_METHOD_GET, target);
    return bed_run(bed);
}

const struct http_exchange *bed_post(struct api_bed *bed, const char *target, const char *body)
{
    bed_request(bed, HTTP_METHOD_POST, target);
    bed_set_body(bed, body);
    return bed_run(bed);
}

void bed_complete(struct api_bed *bed, enum status status, int64_t offset, bool client_is_there)
{
    const struct position reached[] = {{0, offset}, {7, offset + 1}};
    struct append_result result = {
        .ticket = bed->ticket,
        .status = status,
        .durability = DURABILITY_LOCAL_DISK,
        .count = bed->appended_count,
        .log_id = bed->result_log_id,
        .reached = status == STATUS_OK ? reached : NULL,
        .reached_count = status != STATUS_OK       ? 0
                         : bed->several_partitions ? 2
                                                   : 1,
    };
    const struct http_completion *completion = &bed->server.completion;
    bed->listener->completed(bed->listener, &result, 1);
    ASSERT(bed->server.completion_count == 1);
    bed->server.completion_count = 0;
    ASSERT(completion->ticket.slot == TICKET_SLOT);
    ASSERT(completion->ticket.generation == TICKET_GENERATION);
    completion->run(client_is_there ? &bed->exchange : NULL, completion);
}

/* What was carried to the loop since, if anything was. */
static void run_completion(struct api_bed *bed, bool client_is_there)
{
    const struct http_completion *completion = &bed->server.completion;
    if (bed->server.completion_count > 0) {
        ASSERT(bed->server.completion_count == 1);
        ASSERT(completion->ticket.generation == TICKET_GENERATION);
        bed->server.completion_count = 0;
        completion->run(client_is_there ? &bed->exchange : NULL, completion);
    }
}

void bed_store(struct api_bed *bed, int64_t offset, bool client_is_there)
{
    struct position end = {.partition = 0, .offset = offset};
    const struct position_set stored = {.items = &end, .count = 1, .capacity = 1};
    struct progress_listener *listener = await_stored_listener(bed->waits);
    listener->raised(listener, &stored);
    run_completion(bed, client_is_there);
}

void bed_run_awaited(struct api_bed *bed)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    for (int i = 0; i < 10000 && bed->server.completion_count == 0; i++) {
        nanosleep(&pause, NULL);
    }
    ASSERT(bed->server.completion_count == 1);
    run_completion(bed, true);
}

const char *bed_receipt(unsigned char log, int64_t offset)
{
    struct buffer text;
    static char kept[256];
    buffer_init(&text, BED_TEXT_BYTES);
    receipt_encode((struct uuid){{log}}, &(struct position){0, offset}, 1, &text);
    buffer_append_char(&text, '\0');
    ASSERT(text.failed == STATUS_OK);
    snprintf(kept, sizeof kept, "%s", text.data);
    buffer_deinit(&text);
    return kept;
}

bool bed_is_problem(const struct http_exchange *exchange, int status, const char *word)
{
    bool is = exchange->status == status &&
              strcmp(exchange->content_type, "application/problem+json") == 0 &&
              strstr(exchange->answer, word) != NULL;
    if (!is) {
        fprintf(stderr, "%d %s %s is no problem %d with %s\n", exchange->status,
                exchange->content_type, exchange->answer, status, word);
    }
    return is;
}
