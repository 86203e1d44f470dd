#include "memory_service.h"

#include "domain/activity_rules.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
    LOOPS = 1,
    DRAIN_MS = 5000,
    HEARTBEAT_MS = 60 * 1000,
    QUERY_MS = 10000,
    PAGE_BYTES_MAX = 1 << 20,
    ROWS_MAX = 4096
};

/* Nothing is asked for here that takes a hash. */
static enum status hash_nothing(void *context, const struct str *parts, size_t count,
                                uint8_t out_hash[CONTENT_HASH_BYTES])
{
    (void)context;
    (void)parts;
    (void)count;
    (void)out_hash;
    return STATUS_NO_MEMORY;
}

static const struct content_hash hash = {hash_nothing, NULL};

static void make_stores(struct memory_service *service)
{
    const struct event_log_memory_config log = {.random = &random_system};
    const struct activity_store_memory_config store = {.clock = &clock_system,
                                                       .random = &random_system};
    assert_int_equal(event_log_memory_new(&log, &service->log, NULL), STATUS_OK);
    assert_int_equal(activity_store_memory_new(&store, &service->store, NULL), STATUS_OK);
}

static void make_use_cases(struct memory_service *service)
{
    const struct live_tail_config live = {
        .source = event_log_memory_tails(service->log),
        .erasures = activity_store_memory_erasures(service->store),
        .clock = &clock_system,
        .logger = quiet_logger(),
        .listeners_max = 4,
        .heartbeat_ms = HEARTBEAT_MS,
    };
    record_activities_init(&service->recorder, service->log, &clock_system, &random_system);
    find_activities_init(&service->finder,
                         &(struct find_activities_config){.store = service->store,
                                                          .deadline_ms = QUERY_MS,
                                                          .page_bytes_max = PAGE_BYTES_MAX});
    assert_int_equal(live_tail_new(&live, &service->live, NULL), STATUS_OK);
}

static void make_api(struct memory_service *service)
{
    const struct api_config config = {
        .recorder = &service->recorder,
        .finder = &service->finder,
        .live = service->live,
        .log = service->log,
        .store = service->store,
        .any_host = true,
        .rules = &activity_rules_default,
        .clock = &clock_system,
        .random = &random_system,
        .logger = quiet_logger(),
        .hashes = &hash,
        .tag_hash = &hash,
        .version = "1.2.3",
        .activity_bytes_max = 4096,
        .batch_bytes_max = 1 << 20,
        .batch_activities_max = 1000,
        .loops = LOOPS,
    };
    assert_int_equal(api_new(&config, &service->api, NULL), STATUS_OK);
}

void memory_service_start(struct memory_service *service)
{
    *service = (struct memory_service){0};
    make_stores(service);
    make_use_cases(service);
    make_api(service);
    const struct http_server_config config = {
        .host = "127.0.0.1",
        .loops = LOOPS,
        .limits = http_limits_default,
        .handler = api_handler(service->api),
        .clock = &clock_system,
        .logger = quiet_logger(),
    };
    assert_int_equal(http_server_new(&config, &service->server, NULL), STATUS_OK);
    api_set_server(service->api, service->server);
    assert_int_equal(http_server_start(service->server, NULL), STATUS_OK);
    service->port = http_server_port(service->server);
}

void memory_service_stop(struct memory_service *service)
{
    live_tail_stop(service->live);
    http_server_stop(service->server, DRAIN_MS);
    event_log_free(service->log);
    live_tail_free(service->live);
    http_server_free(service->server);
    api_free(service->api);
    activity_store_free(service->store);
}

size_t memory_service_work(struct memory_service *service, memory_service_visit *visit)
{
    static enum verdict verdicts[ROWS_MAX];
    struct activity_batch batch;
    size_t sum = 0;
    do {
        assert_int_equal(event_log_poll(service->log, ROWS_MAX, 0, &batch, NULL), STATUS_OK);
        for (size_t i = 0; i < batch.count && visit != NULL; i++) {
            visit(&batch.rows[i].activity);
        }
        if (batch.count > 0) {
            assert_int_equal(activity_store_put_batch(service->store, &batch, verdicts, NULL),
                             STATUS_OK);
        }
        sum += batch.count;
    } while (batch.count > 0);
    return sum;
}
