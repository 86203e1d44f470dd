/* Runs the event log's contract suite on every adapter. */
#include "base/assert.h"
#include "event_log_contract.h"
#include "event_log_contract_support.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_failing/event_log_failing.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/event_log_spill/event_log_spill.h"
#include "infrastructure/event_log_tracing/event_log_tracing.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The log under test stands on this. */
static struct disk *disk;
static char folder[64];
static uint64_t log_bytes_max;

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err->message);
    }
}

static struct event_log *make_memory(uint64_t bytes_max)
{
    const struct event_log_memory_config config = {.bytes_max = bytes_max,
                                                   .random = &random_system};
    struct event_log *log = NULL;
    struct error err;
    must(event_log_memory_new(&config, &log, &err), &err);
    return log;
}

static struct event_log *open_local(void)
{
    const struct event_log_local_config config = {
        .disk = disk,
        .directory = folder,
        .segment_bytes = 1 << 20,
        .log_bytes_max = log_bytes_max,
        .clock = &clock_system,
        .random = &random_system,
        .logger = &silent_logger,
    };
    struct event_log *log = NULL;
    struct error err;
    must(event_log_local_new(&config, &log, &err), &err);
    return log;
}

static struct event_log *make_on_posix(uint64_t bytes_max)
{
    disk = disk_posix();
    snprintf(folder, sizeof folder, "/tmp/usertrail-log-XXXXXX");
    assert_non_null(mkdtemp(folder));
    log_bytes_max = bytes_max;
    return open_local();
}

static struct event_log *make_on_simulated(uint64_t bytes_max)
{
    const struct disk_simulated_options options = {.seed = 1, .short_writes = true};
    disk = disk_simulated_new(&options);
    snprintf(folder, sizeof folder, "log");
    log_bytes_max = bytes_max;
    return open_local();
}

static struct event_log *reopen_local(struct event_log *log)
{
    event_log_free(log);
    return open_local();
}

static void remove_file(void *context, const char *name)
{
    (void)context;
    char path[DISK_PATH_BYTES_MAX];
    if (disk_path(folder, name, path, NULL) == STATUS_OK) {
        unlink(path);
    }
}

static void unmake_on_posix(struct event_log *log)
{
    event_log_free(log);
    assert_int_equal(disk_list(disk, folder, remove_file, NULL, NULL), STATUS_OK);
    assert_int_equal(rmdir(folder), 0);
}

static void unmake_on_simulated(struct event_log *log)
{
    event_log_free(log);
    disk_simulated_free(disk);
}

static struct event_log *trace(struct event_log *inner)
{
    const struct event_log_tracing_config config = {
        .inner = inner, .clock = &clock_system, .logger = &silent_logger};
    struct event_log *log = NULL;
    struct error err;
    must(event_log_tracing_new(&config, &log, &err), &err);
    return log;
}

static struct event_log *make_traced(uint64_t bytes_max)
{
    return trace(make_on_simulated(bytes_max));
}

static struct event_log *reopen_traced(struct event_log *log)
{
    return trace(reopen_local(log));
}

static struct event_log *pass_through(struct event_log *inner)
{
    struct event_log *log = NULL;
    struct error err;
    must(event_log_failing_new(inner, &log, &err), &err);
    return log;
}

static struct event_log *make_failing(uint64_t bytes_max)
{
    return pass_through(make_on_simulated(bytes_max));
}

static struct event_log *reopen_failing(struct event_log *log)
{
    return pass_through(reopen_local(log));
}

/* The spill stands on a disk of its own, and stays empty: the inner log never fails. */
static struct disk *spill_disk;

static struct event_log *add_spill(struct event_log *inner)
{
    const struct event_log_local_config spill = {
        .disk = spill_disk,
        .directory = "spill",
        .log_bytes_max = 1 << 20,
        .clock = &clock_system,
        .random = &random_system,
        .logger = &silent_logger,
    };
    struct event_log_spill_config config = {
        .inner = inner,
        .data_dir = "data",
        .clock = &clock_system,
        .random = &random_system,
        .logger = &silent_logger,
    };
    struct event_log *log = NULL;
    struct error err;
    must(event_log_local_new(&spill, &config.spill, &err), &err);
    must(event_log_spill_new(&config, &log, &err), &err);
    return log;
}

static void make_spill_disk(void)
{
    const struct disk_simulated_options options = {.seed = 2};
    spill_disk = disk_simulated_new(&options);
}

static struct event_log *make_spilling_memory(uint64_t bytes_max)
{
    make_spill_disk();
    return add_spill(make_memory(bytes_max));
}

static struct event_log *make_spilling(uint64_t bytes_max)
{
    make_spill_disk();
    return add_spill(make_failing(bytes_max));
}

static struct event_log *reopen_spilling(struct event_log *log)
{
    return add_spill(reopen_failing(log));
}

static void unmake_spilling_memory(struct event_log *log)
{
    event_log_free(log);
    disk_simulated_free(spill_disk);
}

static void unmake_spilling(struct event_log *log)
{
    unmake_spilling_memory(log);
    disk_simulated_free(disk);
}

static const struct log_maker makers[] = {
    {"event log contract: memory", "memory", DURABILITY_MEMORY, make_memory, NULL, event_log_free},
    {"event log contract: local", "local", DURABILITY_LOCAL_DISK, make_on_posix, reopen_local,
     unmake_on_posix},
    {"event log contract: local on the simulated disk", "local", DURABILITY_LOCAL_DISK,
     make_on_simulated, reopen_local, unmake_on_simulated},
    {"event log contract: tracing", "local", DURABILITY_LOCAL_DISK, make_traced, reopen_traced,
     unmake_on_simulated},
    {"event log contract: failing, without a fault", "local", DURABILITY_LOCAL_DISK, make_failing,
     reopen_failing, unmake_on_simulated},
    {"event log contract: spill before memory", "memory", DURABILITY_MEMORY, make_spilling_memory,
     NULL, unmake_spilling_memory},
    {"event log contract: spill before failing, without a fault", "local", DURABILITY_LOCAL_DISK,
     make_spilling, reopen_spilling, unmake_spilling},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += event_log_contract_run(&makers[i]);
    }
    return failed;
}
