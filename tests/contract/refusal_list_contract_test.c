/* Runs the refused list's contract suite on every adapter of this process. */
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"
#include "refusal_list_contract.h"
#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The local list under test stands on this. */
static struct disk *disk;
static char folder[64];
static uint64_t list_bytes_max;
static const struct clock *list_clock;

static void must(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err->message);
    }
}

static struct refusal_list *make_memory(uint64_t bytes_max, const struct clock *clock)
{
    const struct refusal_list_memory_config config = {.bytes_max = bytes_max, .clock = clock};
    struct refusal_list *list = NULL;
    struct error err;
    must(refusal_list_memory_new(&config, &list, &err), &err);
    return list;
}

static struct refusal_list *open_local(void)
{
    const struct refusal_list_local_config config = {
        .disk = disk,
        .directory = folder,
        .bytes_max = list_bytes_max,
        .clock = list_clock,
        .logger = quiet_logger(),
    };
    struct refusal_list *list = NULL;
    struct error err;
    must(refusal_list_local_new(&config, &list, &err), &err);
    return list;
}

static struct refusal_list *make_on_posix(uint64_t bytes_max, const struct clock *clock)
{
    disk = disk_posix();
    snprintf(folder, sizeof folder, "/tmp/usertrail-refused-XXXXXX");
    assert_non_null(mkdtemp(folder));
    list_bytes_max = bytes_max;
    list_clock = clock;
    return open_local();
}

static struct refusal_list *make_on_simulated(uint64_t bytes_max, const struct clock *clock)
{
    const struct disk_simulated_options options = {.seed = 1, .short_writes = true};
    disk = disk_simulated_new(&options);
    snprintf(folder, sizeof folder, "refused");
    list_bytes_max = bytes_max;
    list_clock = clock;
    return open_local();
}

static struct refusal_list *reopen_local(struct refusal_list *list)
{
    refusal_list_free(list);
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

static void unmake_on_posix(struct refusal_list *list)
{
    refusal_list_free(list);
    assert_int_equal(disk_list(disk, folder, remove_file, NULL, NULL), STATUS_OK);
    assert_int_equal(rmdir(folder), 0);
}

static void unmake_on_simulated(struct refusal_list *list)
{
    refusal_list_free(list);
    disk_simulated_free(disk);
}

static const struct refusal_list_maker makers[] = {
    {"refusal list contract: memory", "memory", make_memory, NULL, refusal_list_free},
    {"refusal list contract: local", "local", make_on_posix, reopen_local, unmake_on_posix},
    {"refusal list contract: local on the simulated disk", "local", make_on_simulated, reopen_local,
     unmake_on_simulated},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += refusal_list_contract_run(&makers[i]);
    }
    return failed;
}
