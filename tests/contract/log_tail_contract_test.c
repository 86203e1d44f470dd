/* Runs the suite of tails on the logs of this machine. */
#include "event_log_contract_support.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "log_tail_contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LOG_BYTES_MAX = 8 << 20, SEGMENT_BYTES = 256 << 10 };

static struct disk *disk;

static struct event_log *make_memory(struct log_tail_source **out_tails)
{
    const struct event_log_memory_config config = {.bytes_max = LOG_BYTES_MAX,
                                                   .random = &random_system};
    struct event_log *log = NULL;
    struct error err;
    assert_int_equal(event_log_memory_new(&config, &log, &err), STATUS_OK);
    *out_tails = event_log_memory_tails(log);
    return log;
}

static struct event_log *make_local(struct log_tail_source **out_tails)
{
    const struct disk_simulated_options options = {.seed = 1, .short_writes = true};
    disk = disk_simulated_new(&options);
    const struct event_log_local_config config = {
        .disk = disk,
        .directory = "log",
        .segment_bytes = SEGMENT_BYTES,
        .log_bytes_max = LOG_BYTES_MAX,
        .clock = &clock_system,
        .random = &random_system,
        .logger = &silent_logger,
    };
    struct event_log *log = NULL;
    struct error err;
    assert_int_equal(event_log_local_new(&config, &log, &err), STATUS_OK);
    *out_tails = event_log_local_tails(log);
    return log;
}

static bool drop(struct event_log *log)
{
    assert_int_equal(commit_to(log, end_offset(log)), STATUS_OK);
    return true;
}

static void unmake_local(struct event_log *log)
{
    event_log_free(log);
    disk_simulated_free(disk);
}

static const struct tail_maker makers[] = {
    {"log tail contract: memory", make_memory, drop, event_log_free},
    {"log tail contract: local", make_local, drop, unmake_local},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += log_tail_contract_run(&makers[i]);
    }
    return failed;
}
