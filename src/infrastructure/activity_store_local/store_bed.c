#include "infrastructure/activity_store_local/store_bed.h"

#include "base/assert.h"
#include "infrastructure/disk/disk_simulated.h"

#include <stdlib.h>
#include <string.h>

const struct uuid store_bed_log_id = {{7}};

/* It stands still: a seal says when it was made, and two stores are to have the same. */
static uint64_t fixed_ns(void *context)
{
    (void)context;
    return UINT64_C(1768435085442) * NANOSECONDS_PER_MILLISECOND;
}

static const struct clock fixed_clock = {.wall_ns = fixed_ns, .monotonic_ns = fixed_ns};

static void require(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", err->message);
    }
    ASSERT(status == STATUS_OK);
}

void store_bed_open(struct store_bed *bed)
{
    const struct activity_store_local_config config = {.disk = bed->disk,
                                                       .directory = STORE_BED_FOLDER,
                                                       .clock = &fixed_clock,
                                                       .random = &bed->random,
                                                       .logger = &bed->logger,
                                                       .signer = bed->signer,
                                                       .merge_parts = 3};
    struct error err;
    require(activity_store_local_new(&config, &bed->store, &err), &err);
}

void store_bed_close(struct store_bed *bed)
{
    activity_store_free(TAKE(bed->store));
}

struct store_bed *store_bed_new(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = 1};
    struct store_bed *bed = calloc(1, sizeof *bed);
    ASSERT(bed != NULL);
    bed->disk = disk_simulated_new(&options);
    bed->log = tmpfile();
    ASSERT(bed->disk != NULL && bed->log != NULL);
    bed->logger = (struct logger){.clock = &fixed_clock, .descriptor = fileno(bed->log)};
    bed->random = random_from_seed(&bed->seeded, seed);
    store_bed_open(bed);
    return bed;
}

void store_bed_free(struct store_bed *bed)
{
    activity_store_free(bed->store);
    disk_simulated_free(bed->disk);
    fclose(bed->log);
    free(bed);
}

void store_bed_put(struct store_bed *bed, const struct activity *activity)
{
    struct logged_activity row = {.activity = *activity, .position = {0, bed->offset++}};
    struct position next_item = {0, bed->offset};
    struct position_set next = {.items = &next_item, .count = 1, .capacity = 1};
    const struct activity_batch batch = {
        .log_id = store_bed_log_id, .rows = &row, .count = 1, .next = &next};
    enum verdict verdict;
    struct error err;
    require(activity_store_put_batch(bed->store, &batch, &verdict, &err), &err);
    ASSERT(verdict == VERDICT_STORED);
}

void store_bed_sync(struct store_bed *bed)
{
    struct error err;
    require(activity_store_sync(bed->store, &err), &err);
}

/* Files ------------------------------------------------------------------------------------- */

void store_bed_part_path(uint64_t number, char out_path[DISK_PATH_BYTES_MAX])
{
    struct error err;
    require(stored_part_path(STORE_BED_FOLDER, number, out_path, &err), &err);
}

void store_bed_read(struct store_bed *bed, const char *path, struct store_bed_file *out_file)
{
    struct disk_file *file = NULL;
    struct iovec into = {.iov_base = out_file->bytes, .iov_len = sizeof out_file->bytes};
    struct error err;
    require(disk_open(bed->disk, path, DISK_READ, &file, &err), &err);
    require(disk_file_read(file, 0, into, &out_file->len, &err), &err);
    disk_file_close(file);
}

void store_bed_write(struct store_bed *bed, const char *path, const struct store_bed_file *file)
{
    struct disk_file *opened = NULL;
    struct iovec part = {.iov_base = (void *)file->bytes, .iov_len = file->len};
    struct error err;
    require(disk_open(bed->disk, path, DISK_WRITE_OR_MAKE, &opened, &err), &err);
    require(disk_file_truncate(opened, 0, &err), &err);
    require(disk_file_write(opened, 0, &part, 1, &err), &err);
    disk_file_close(opened);
}

void store_bed_load(struct store_bed *bed, struct manifest *out_manifest)
{
    struct error err;
    require(manifest_load(bed->disk, STORE_BED_FOLDER, out_manifest, &err), &err);
}

void store_bed_save(struct store_bed *bed, struct manifest *manifest)
{
    struct error err;
    bool unknown;
    require(manifest_save(bed->disk, STORE_BED_FOLDER, manifest, &unknown, &err), &err);
    manifest_deinit(manifest);
}

/* Verifying --------------------------------------------------------------------------------- */

static struct store_bed_verdicts *verdicts_of(struct verification_listener *listener)
{
    return CONTAINER_OF(listener, struct store_bed_verdicts, listener);
}

static void note_first(struct store_bed_verdicts *verdicts, const struct error *problems,
                       size_t count)
{
    if (count > 0 && verdicts->first.status == STATUS_OK) {
        verdicts->first = problems[0];
    }
}

static void note_begin(struct verification_listener *listener, const struct verified_part *part)
{
    struct store_bed_verdicts *verdicts = verdicts_of(listener);
    ASSERT(part->at == verdicts->begun);
    verdicts->begun++;
}

static void note_end(struct verification_listener *listener, const struct verified_part *part)
{
    struct store_bed_verdicts *verdicts = verdicts_of(listener);
    ASSERT(verdicts->ended < STORE_BED_PARTS_MAX);
    verdicts->parts[verdicts->ended++] = *part;
    ASSERT(verdicts->begun == verdicts->ended);
    note_first(verdicts, part->problems, part->problem_count);
}

static void note_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    struct store_bed_verdicts *verdicts = verdicts_of(listener);
    verdicts->chain = *chain;
    note_first(verdicts, chain->problems, chain->problem_count);
}

void store_bed_verify(struct store_bed *bed, const struct verification_request *request,
                      struct store_bed_verdicts *out_verdicts)
{
    struct store_verification found;
    struct error err;
    *out_verdicts = (struct store_bed_verdicts){
        .listener = {.part_begins = note_begin, .part_ends = note_end, .chain_ends = note_chain}};
    require(activity_store_local_verify(bed->disk, request, &out_verdicts->listener, &found, &err),
            &err);
    ASSERT(found.parts == out_verdicts->ended);
    out_verdicts->problems = found.problems;
}

bool store_bed_says(const struct store_bed_verdicts *verdicts, const char *words)
{
    bool says = strstr(verdicts->first.message, words) != NULL;
    if (!says) {
        fprintf(stderr, "\"%s\" does not say \"%s\"\n", verdicts->first.message, words);
    }
    return says;
}
