#include "spill_rig.h"

#include "base/assert.h"
#include "base/condition.h"
#include "infrastructure/event_log_local/event_log_local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENT_STRIDE = 1000000, PATIENCE_MS = 20000, RETRY_MS_MAX = 4 };

static void hear(struct append_listener *listener, const struct append_result *results,
                 size_t count)
{
    struct spill_rig *rig = CONTAINER_OF(listener, struct spill_rig, listener);
    pthread_mutex_lock(&rig->mutex);
    for (size_t i = 0; i < count; i++) {
        struct spill_append *append = &rig->appends[results[i].ticket.generation];
        ASSERT(append->count == results[i].count && results[i].ticket.slot == 9);
        append->results++;
        append->status = results[i].status;
        append->durability = results[i].durability;
        append->log_id = results[i].log_id;
        if (results[i].status == STATUS_OK) {
            append->reached = results[i].reached[0];
        }
        rig->open--;
    }
    pthread_cond_broadcast(&rig->told);
    pthread_mutex_unlock(&rig->mutex);
}

void spill_rig_init(struct spill_rig *rig, const struct spill_options *options)
{
    *rig = (struct spill_rig){.options = *options};
    rig->disk = disk_simulated_new(&(struct disk_simulated_options){
        .seed = options->seed, .lying_fsync = options->lying_fsync});
    rig->random = random_from_seed(&rig->seeded, options->seed);
    rig->logger = silent_logger;
    rig->listener.completed = hear;
    rig->appends = calloc(SPILL_APPENDS_MAX, sizeof *rig->appends);
    ASSERT(rig->appends != NULL);
    remote_init(&rig->remote, options->seed);
    remote_refuse_every(&rig->remote, options->refuses_every);
    pthread_mutex_init(&rig->mutex, NULL);
    condition_init(&rig->told);
}

void spill_rig_deinit(struct spill_rig *rig)
{
    event_log_free(TAKE(rig->log));
    remote_deinit(&rig->remote);
    disk_simulated_free(rig->disk);
    pthread_cond_destroy(&rig->told);
    pthread_mutex_destroy(&rig->mutex);
    free(rig->appends);
}

bool spill_rig_open(struct spill_rig *rig)
{
    struct error err = {0};
    const struct event_log_local_config local = {
        .disk = rig->disk,
        .directory = "spill",
        .segment_bytes = 4096,
        .log_bytes_max = rig->options.spill_bytes_max,
        .look_every_ms = rig->options.look_every_ms,
        .opens_full = true,
        .called = "the spill",
        .goes_on_when = "Kafka takes some",
        .clock = &clock_system,
        .random = &random_system,
        .logger = &rig->logger,
    };
    struct event_log_spill_config config = {
        .give_up = remote_give_up,
        .give_up_context = &rig->remote,
        .disk = rig->disk,
        .spill_dir = "spill",
        .topic = rig->options.topic,
        .data_dir = "data",
        .held_bytes_max = rig->options.held_bytes_max,
        .drain_ms = rig->options.drain_ms,
        .retry_ms_min = 1,
        .retry_ms_max = RETRY_MS_MAX,
        .clock = &clock_system,
        .random = &random_system,
        .logger = &rig->logger,
    };
    enum status status = event_log_local_new(&local, &config.spill, &err);
    if (status == STATUS_OK) {
        config.inner = remote_connect(&rig->remote);
        status = event_log_spill_new(&config, &rig->log, &err);
    }
    if (status != STATUS_OK) {
        event_log_free(config.inner);
        event_log_free(config.spill);
        fprintf(stderr, "opening: %s: %s\n", status_name(status), err.message);
    }
    return status == STATUS_OK;
}

void spill_rig_close(struct spill_rig *rig, enum spill_end end)
{
    if (end == SPILL_END_KILL) {
        disk_simulated_fail_at(rig->disk, 1, EIO, true);
        remote_sever(&rig->remote);
    } else if (end == SPILL_END_POWER) {
        disk_simulated_cut_power(rig->disk);
        remote_sever(&rig->remote);
    }
    event_log_free(TAKE(rig->log));
    if (end == SPILL_END_POWER) {
        disk_simulated_power_on(rig->disk);
    }
    disk_simulated_fail_at(rig->disk, 0, 0, false);
}

/* A client that does not wait for its turn. */
static bool overtakes(struct spill_rig *rig)
{
    return rig->options.overtaking && spill_rig_state(rig).spill.activities > 0 &&
           random_below(&random_system, 3) == 0;
}

static size_t begin_append(struct spill_rig *rig, unsigned client, size_t count)
{
    pthread_mutex_lock(&rig->mutex);
    size_t index = rig->append_count++;
    ASSERT(index < SPILL_APPENDS_MAX);
    rig->appends[index] = (struct spill_append){
        .first = (uint64_t)client * CLIENT_STRIDE + rig->next[client], .count = count};
    rig->next[client] += count;
    rig->open++;
    pthread_mutex_unlock(&rig->mutex);
    return index;
}

static void end_append(struct spill_rig *rig, size_t index, enum status status)
{
    pthread_mutex_lock(&rig->mutex);
    rig->appends[index].results = 1;
    rig->appends[index].status = status;
    rig->open--;
    pthread_mutex_unlock(&rig->mutex);
}

enum status spill_rig_append(struct spill_rig *rig, unsigned client, size_t count,
                             size_t *out_append)
{
    struct numbered_activity memory[SPILL_APPEND_MAX];
    struct activity activities[SPILL_APPEND_MAX];
    ASSERT(count <= SPILL_APPEND_MAX && client < SPILL_CLIENTS_MAX);
    size_t index = begin_append(rig, client, count);
    uint64_t first = rig->appends[index].first;
    if (overtakes(rig)) {
        for (size_t i = 0; i < count; i++) {
            remote_write(&rig->remote, first + i);
        }
        end_append(rig, index, STATUS_OK);
        return STATUS_OK;
    }
    for (size_t i = 0; i < count; i++) {
        numbered_activity_make(&memory[i], first + i);
        activities[i] = memory[i].activity;
    }
    enum status status = event_log_append(rig->log, activities, count, &rig->listener,
                                          (struct append_ticket){.slot = 9, .generation = index});
    if (status != STATUS_OK) {
        end_append(rig, index, status);
    } else if (out_append != NULL) {
        *out_append = index;
    }
    return status;
}

bool spill_rig_wait_told(struct spill_rig *rig)
{
    struct timespec deadline = condition_deadline(PATIENCE_MS);
    pthread_mutex_lock(&rig->mutex);
    while (rig->open > 0 && condition_wait_until(&rig->told, &rig->mutex, &deadline)) {
    }
    bool all = rig->open == 0;
    pthread_mutex_unlock(&rig->mutex);
    return all;
}

struct event_log_state spill_rig_state(struct spill_rig *rig)
{
    struct event_log_state state;
    event_log_describe(rig->log, &state);
    return state;
}

bool spill_rig_wait_direct(struct spill_rig *rig)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t end_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    while (spill_rig_state(rig).reason[0] != '\0') {
        if (clock_monotonic_ms(&clock_system) > end_ms) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

struct spill_append spill_rig_append_and_wait(struct spill_rig *rig, unsigned client)
{
    size_t index = 0;
    enum status status = spill_rig_append(rig, client, 1, &index);
    if (status != STATUS_OK) {
        return (struct spill_append){.status = status};
    }
    ASSERT(spill_rig_wait_told(rig));
    return rig->appends[index];
}

/* Torn lines have no end of an activity. */
size_t spill_rig_set_aside(const struct spill_rig *rig, uint64_t numbers[SPILL_SET_ASIDE_MAX])
{
    static char text[SPILL_SET_ASIDE_MAX * 512];
    struct disk_file *file = NULL;
    struct iovec into = {.iov_base = text, .iov_len = sizeof text - 1};
    size_t len = 0;
    size_t count = 0;
    if (disk_open(rig->disk, "spill/set-aside/too-large.ndjson", DISK_READ, &file, NULL) !=
        STATUS_OK) {
        return 0;
    }
    ASSERT(disk_file_read(file, 0, into, &len, NULL) == STATUS_OK && len < into.iov_len);
    disk_file_close(file);
    text[len] = '\0';
    char *line = text;
    for (char *end; (end = memchr(line, '\n', (size_t)(text + len - line))) != NULL;
         line = end + 1) {
        static const char begin[] = "{\"id\":\"id-";
        if (end - line > 2 && memcmp(end - 2, "}}", 2) == 0 &&
            strncmp(line, begin, sizeof begin - 1) == 0) {
            ASSERT(count < SPILL_SET_ASIDE_MAX);
            numbers[count++] = strtoull(line + sizeof begin - 1, NULL, 10);
        }
    }
    return count;
}

/* Judging ---------------------------------------------------------------------------------- */

enum mark { MARK_PROMISED = 1, MARK_SEEN = 2 };

/* By client and number. */
struct marks {
    uint8_t *of[SPILL_CLIENTS_MAX];
};

static uint8_t *mark_of(const struct marks *marks, uint64_t number)
{
    return &marks->of[number / CLIENT_STRIDE][number % CLIENT_STRIDE];
}

static bool mark_promised(const struct spill_rig *rig, const struct marks *marks, char *trouble)
{
    for (size_t i = 0; i < rig->append_count; i++) {
        const struct spill_append *append = &rig->appends[i];
        if (append->results != 1) {
            snprintf(trouble, SPILL_TROUBLE_BYTES, "append %zu was told %u times", i,
                     append->results);
            return false;
        }
        for (size_t k = 0; append->status == STATUS_OK && k < append->count; k++) {
            *mark_of(marks, append->first + k) |= MARK_PROMISED;
        }
    }
    return true;
}

/* What comes again is passed over, and so is what was promised to nobody: a client was told that it
 * may or may not have been kept, and it may come from a disk that failed after a restart. */
static bool check_order(const struct spill_rig *rig, const struct marks *marks, char *trouble)
{
    uint64_t newest[SPILL_CLIENTS_MAX] = {0}; /* and one, of the first occurrences */
    for (size_t i = 0; i < rig->remote.written_count; i++) {
        uint64_t client = rig->remote.written[i] / CLIENT_STRIDE;
        uint64_t at = rig->remote.written[i] % CLIENT_STRIDE;
        uint8_t *mark = mark_of(marks, rig->remote.written[i]);
        bool counts = *mark == MARK_PROMISED;
        *mark |= MARK_SEEN;
        if (counts && at < newest[client]) {
            snprintf(trouble, SPILL_TROUBLE_BYTES, "client %llu: %llu came behind %llu",
                     (unsigned long long)client, (unsigned long long)at,
                     (unsigned long long)newest[client] - 1);
            return false;
        }
        newest[client] = counts ? at + 1 : newest[client];
    }
    return true;
}

/* What the remote log never takes is kept, too. */
static void mark_set_aside(const struct spill_rig *rig, const struct marks *marks)
{
    uint64_t numbers[SPILL_SET_ASIDE_MAX];
    size_t count = spill_rig_set_aside(rig, numbers);
    for (size_t i = 0; i < count; i++) {
        ASSERT(rig->options.refuses_every > 0 && numbers[i] % rig->options.refuses_every == 0);
        *mark_of(marks, numbers[i]) |= MARK_SEEN;
    }
}

static bool check_kept(const struct spill_rig *rig, const struct marks *marks, char *trouble)
{
    for (unsigned client = 0; client < SPILL_CLIENTS_MAX; client++) {
        for (uint64_t at = 0; at < rig->next[client]; at++) {
            if (marks->of[client][at] == MARK_PROMISED) {
                snprintf(trouble, SPILL_TROUBLE_BYTES, "client %u: %llu was promised and is lost",
                         client, (unsigned long long)at);
                return false;
            }
        }
    }
    return true;
}

bool spill_rig_check(struct spill_rig *rig, char trouble[SPILL_TROUBLE_BYTES])
{
    struct marks marks;
    for (size_t i = 0; i < SPILL_CLIENTS_MAX; i++) {
        marks.of[i] = calloc((size_t)rig->next[i] + 1, sizeof *marks.of[i]);
        ASSERT(marks.of[i] != NULL);
    }
    trouble[0] = '\0';
    mark_set_aside(rig, &marks);
    bool fine = mark_promised(rig, &marks, trouble) && check_order(rig, &marks, trouble) &&
                check_kept(rig, &marks, trouble);
    for (size_t i = 0; i < SPILL_CLIENTS_MAX; i++) {
        free(marks.of[i]);
    }
    return fine;
}
