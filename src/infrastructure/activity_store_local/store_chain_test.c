/* Guards the chain of seals: sealing, merging, erasing and expiring leave a store whose activities
 * are proven to be those that were stored, and whoever changes, takes away or adds any of them,
 * with all checksums right, is found out. */
#include "infrastructure/activity_store_local/checkpoint.h"
#include "infrastructure/activity_store_local/local_store.h"
#include "infrastructure/activity_store_local/store_verify.h"
#include "infrastructure/disk/disk_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define DIRECTORY "store"

enum { ROWS = 300, FILE_BYTES_MAX = 1 << 20 };

static const struct uuid log_id = {{7}};
static const struct verification_request of_folder = {.directory = DIRECTORY};

/* A seal has its time, so worlds are only the same while time stands still. */
static uint64_t same_time(void *context)
{
    (void)context;
    return UINT64_C(1768435085442000000);
}

static const struct clock still_clock = {same_time, same_time, NULL};

/* A store on a disk in memory. Two worlds that do the same have the same files. */
struct world {
    struct disk *disk;
    struct random_seeded seeded;
    struct random random;
    struct activity_store *store;
    int64_t offset;
    const struct checkpoint_signer *signer;
    FILE *log;
    struct logger logger;
};

static void open_store(struct world *world)
{
    const struct activity_store_local_config config = {.disk = world->disk,
                                                       .directory = DIRECTORY,
                                                       .clock = &still_clock,
                                                       .random = &world->random,
                                                       .logger = &world->logger,
                                                       .signer = world->signer,
                                                       .merge_parts = 3};
    struct error err;
    if (activity_store_local_new(&config, &world->store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
}

static void close_store(struct world *world)
{
    activity_store_free(world->store);
    world->store = NULL;
}

static struct world *begin_with_seed(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = 1};
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->disk = disk_simulated_new(&options);
    assert_non_null(world->disk);
    world->log = tmpfile();
    assert_non_null(world->log);
    world->logger = (struct logger){.clock = &still_clock, .descriptor = fileno(world->log)};
    world->random = random_from_seed(&world->seeded, seed);
    open_store(world);
    return world;
}

static struct world *begin(void)
{
    return begin_with_seed(5);
}

static void end(struct world *world)
{
    activity_store_free(world->store);
    disk_simulated_free(world->disk);
    assert_int_equal(fclose(world->log), 0);
    free(world);
}

/* What is put may differ in the metadata of one row. */
static void put_row(struct world *world, const char *user, struct str metadata)
{
    char id[64];
    long long number = world->offset;
    if (number % 2 == 0) { /* without a salt */
        snprintf(id, sizeof id, "018d0000-0000-7000-8000-%012lld", number);
    } else {
        snprintf(id, sizeof id, "row-%lld", number);
    }
    struct logged_activity row = {.activity = {.id = str_from(id),
                                               .user_id = str_from(user),
                                               .action = STR("login"),
                                               .metadata = metadata,
                                               .timestamp_ms = 1000 * (world->offset + 1),
                                               .received_at_ms = 1000 * (world->offset + 1)},
                                  .position = {0, world->offset++}};
    struct position next_item = {0, world->offset};
    struct position_set next = {.items = &next_item, .count = 1, .capacity = 1};
    const struct activity_batch batch = {.log_id = log_id, .rows = &row, .count = 1, .next = &next};
    enum verdict verdict;
    assert_int_equal(activity_store_put_batch(world->store, &batch, &verdict, NULL), STATUS_OK);
    assert_int_equal(verdict, VERDICT_STORED);
}

static void sync_store(struct world *world)
{
    assert_int_equal(activity_store_sync(world->store, NULL), STATUS_OK);
}

/* A part of users a, b and c in turn. */
static void put_part(struct world *world)
{
    static const char *const users[] = {"a", "b", "c"};
    for (int i = 0; i < ROWS; i++) {
        put_row(world, users[world->offset % 3], STR("{\"n\":1}"));
    }
    sync_store(world);
}

static void put_part_of(struct world *world, const char *user)
{
    for (int i = 0; i < ROWS; i++) {
        put_row(world, user, STR("{\"n\":1}"));
    }
    sync_store(world);
}

static uint64_t erase(struct world *world, struct str user, int64_t erased_at_ms)
{
    uint64_t erased = 0;
    assert_int_equal(activity_store_erase(world->store, user, erased_at_ms, &erased, NULL),
                     STATUS_OK);
    return erased;
}

/* Verifying --------------------------------------------------------------------------------- */

struct verdict_of_all {
    struct verification_listener listener;
    struct verified_chain chain;
    struct error problem; /* the first of all */
    uint64_t problems;
    size_t parts;
};

static void note_begin(struct verification_listener *listener, const struct verified_part *part)
{
    (void)listener;
    (void)part;
}

static void note_part(struct verification_listener *listener, const struct verified_part *part)
{
    struct verdict_of_all *verdict = CONTAINER_OF(listener, struct verdict_of_all, listener);
    if (part->problem_count > 0 && verdict->problem.status == STATUS_OK) {
        verdict->problem = part->problems[0];
    }
    verdict->parts++;
}

static void note_chain(struct verification_listener *listener, const struct verified_chain *chain)
{
    struct verdict_of_all *verdict = CONTAINER_OF(listener, struct verdict_of_all, listener);
    if (chain->problem_count > 0 && verdict->problem.status == STATUS_OK) {
        verdict->problem = chain->problems[0];
    }
    verdict->chain = *chain;
}

static struct verdict_of_all *verify_with(struct world *world,
                                          const struct verification_request *request)
{
    static struct verdict_of_all verdict;
    struct store_verification found;
    struct error err;
    verdict = (struct verdict_of_all){
        .listener = {.part_begins = note_begin, .part_ends = note_part, .chain_ends = note_chain}};
    if (activity_store_local_verify(world->disk, request, &verdict.listener, &found, &err) !=
        STATUS_OK) {
        fail_msg("cannot verify: %s", err.message);
    }
    verdict.problems = found.problems;
    return &verdict;
}

static struct verdict_of_all *verify(struct world *world)
{
    return verify_with(world, &of_folder);
}

static const struct verified_chain *expect_fine(struct world *world)
{
    struct verdict_of_all *verdict = verify(world);
    if (verdict->problems > 0) {
        fail_msg("verify finds: %s", verdict->problem.message);
    }
    return &verdict->chain;
}

static void expect_problem(struct world *world, const char *words)
{
    struct verdict_of_all *verdict = verify(world);
    if (strstr(verdict->problem.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", verdict->problem.message, words);
    }
    assert_int_equal(verdict->problems, 1);
}

/* Changes behind the store's back ------------------------------------------------------------ */

static void load(struct world *world, struct manifest *out_manifest)
{
    assert_int_equal(manifest_load(world->disk, DIRECTORY, out_manifest, NULL), STATUS_OK);
}

static void save(struct world *world, struct manifest *manifest)
{
    bool unknown;
    assert_int_equal(manifest_save(world->disk, DIRECTORY, manifest, &unknown, NULL), STATUS_OK);
    manifest_deinit(manifest);
}

static void copy_file(struct world *from, struct world *to, const char *path)
{
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk_file *file = NULL;
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    size_t len;
    assert_int_equal(disk_open(from->disk, path, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    disk_file_close(file);
    into.iov_len = len;
    assert_int_equal(disk_open(to->disk, path, DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &into, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

static void copy_part(struct world *from, struct world *to, uint64_t number)
{
    char path[DISK_PATH_BYTES_MAX];
    struct error err;
    assert_int_equal(stored_part_path(DIRECTORY, number, path, &err), STATUS_OK);
    copy_file(from, to, path);
}

/* Tests ------------------------------------------------------------------------------------- */

static void each_sync_is_a_seal(void **state)
{
    (void)state;
    struct world *world = begin();
    assert_int_equal(expect_fine(world)->records, 0);
    put_part(world);
    put_part(world);
    sync_store(world); /* nothing new */
    const struct verified_chain *chain = expect_fine(world);
    assert_int_equal(chain->records, 2);
    assert_int_equal(chain->seals, 2);
    assert_int_equal(chain->sealed, 2 * ROWS);
    assert_int_equal(chain->unsealed, 0);
    close_store(world);
    open_store(world);
    put_part(world);
    assert_int_equal(expect_fine(world)->seals, 3);
    end(world);
}

static void merging_changes_no_seal(void **state)
{
    (void)state;
    struct world *world = begin();
    for (int i = 0; i < 7; i++) {
        put_part(world);
    }
    const struct verified_chain *chain = expect_fine(world);
    assert_int_equal(chain->records, 7);
    assert_true(verify(world)->parts < 7);
    end(world);
}

static void erased_activities_are_proven_by_their_leaves(void **state)
{
    (void)state;
    struct world *world = begin();
    put_part(world);
    put_part(world);
    put_row(world, "a", STR("{\"in\":\"the head\"}"));
    assert_int_equal(erase(world, STR("a"), 10000000), 2 * ROWS / 3 + 1);
    const struct verified_chain *chain = expect_fine(world);
    assert_int_equal(chain->records, 3);
    assert_int_equal(chain->left_out, 0); /* hidden, and still in the files */
    put_part_of(world, "b");              /* three parts are merged */
    chain = expect_fine(world);
    assert_int_equal(verify(world)->parts, 1);
    assert_int_equal(chain->left_out, 2 * ROWS / 3);
    assert_int_equal(chain->sealed, 3 * ROWS);
    close_store(world);
    open_store(world);
    assert_int_equal(expect_fine(world)->left_out, 2 * ROWS / 3);
    end(world);
}

static void a_part_that_was_erased_as_a_whole_is_proven(void **state)
{
    (void)state;
    struct world *world = begin();
    put_part_of(world, "gone");
    put_part_of(world, "gone");
    assert_int_equal(erase(world, STR("gone"), 10000000), 2 * ROWS);
    put_part_of(world, "stays");
    put_part_of(world, "stays");
    const struct verified_chain *chain = expect_fine(world);
    assert_int_equal(chain->left_out, 2 * ROWS);
    assert_int_equal(chain->sealed, 4 * ROWS);
    end(world);
}

static void a_user_may_be_erased_again(void **state)
{
    (void)state;
    struct world *world = begin();
    put_part(world);
    assert_int_equal(erase(world, STR("a"), 50000), ROWS / 3);
    put_part(world);
    assert_int_equal(erase(world, STR("b"), 10000000), 2 * ROWS / 3);
    assert_int_equal(erase(world, STR("a"), 10000000), ROWS / 3);
    assert_int_equal(erase(world, STR("a"), 60000), 0); /* earlier: the later time stays */
    /* Two seals, four erasures, and the leaves of what left the files at the second sync. */
    assert_int_equal(expect_fine(world)->records, 7);
    end(world);
}

static void what_expired_is_in_the_chain(void **state)
{
    (void)state;
    struct world *world = begin();
    uint64_t expired = 0;
    put_part(world);
    put_part(world);
    assert_int_equal(activity_store_expire(world->store, 1000 * (ROWS + 1), &expired, NULL),
                     STATUS_OK);
    assert_int_equal(expired, ROWS);
    const struct verified_chain *chain = expect_fine(world);
    assert_int_equal(chain->records, 3);
    assert_int_equal(chain->expired, ROWS);
    end(world);
}

/* Two stores that differ in one activity: the part of the one is sound in the other, too. */
static void a_changed_activity_is_found(void **state)
{
    (void)state;
    struct world *honest = begin();
    struct world *forger = begin();
    for (int i = 0; i < ROWS; i++) {
        put_row(honest, "a", STR("{\"sum\":100}"));
        put_row(forger, "a", i == ROWS / 2 ? STR("{\"sum\":900}") : STR("{\"sum\":100}"));
    }
    sync_store(honest);
    sync_store(forger);
    expect_fine(honest);
    expect_fine(forger);
    struct manifest mine;
    struct manifest theirs;
    load(honest, &mine);
    load(forger, &theirs);
    copy_part(forger, honest, 1);
    mine.parts[0] = theirs.parts[0];
    save(honest, &mine);
    manifest_deinit(&theirs);
    expect_problem(honest, "seal 1: its 300 activities are not all as they were sealed");
    end(forger);
    end(honest);
}

static void activities_that_are_missing_are_found(void **state)
{
    (void)state;
    struct world *world = begin();
    struct manifest manifest;
    put_part(world);
    put_part(world);
    load(world, &manifest);
    assert_int_equal(manifest_replace(&manifest, 0, 1, NULL), STATUS_OK);
    save(world, &manifest);
    expect_problem(world, "seal 1: 300 activities were sealed, and 0 are there or were erased");
    end(world);
}

/* The second part comes back without its seal. */
static void activities_that_nobody_sealed_are_found(void **state)
{
    (void)state;
    struct world *honest = begin();
    struct world *forger = begin();
    struct manifest manifest;
    struct manifest more;
    put_part(honest);
    put_part(forger);
    for (int i = 0; i < 30; i++) {
        put_row(forger, "a", STR("{\"never\":true}"));
    }
    sync_store(forger);
    load(honest, &manifest);
    load(forger, &more);
    copy_part(forger, honest, more.parts[1].number);
    struct manifest_part added = more.parts[1];
    added.seals = manifest.parts[0].seals;
    assert_int_equal(manifest_replace(&manifest, 1, 0, &added), STATUS_OK);
    manifest.next_part = more.next_part;
    save(honest, &manifest);
    manifest_deinit(&more);
    struct verdict_of_all *verdict = verify(honest);
    assert_int_equal(verdict->problems, 2);
    assert_non_null(strstr(verdict->problem.message, "seal 1: two parts say that it is theirs"));
    end(forger);
    end(honest);
}

static void an_erasure_that_is_taken_back_is_found(void **state)
{
    (void)state;
    struct world *world = begin();
    struct manifest manifest;
    put_part(world);
    erase(world, STR("a"), 10000000);
    load(world, &manifest);
    tombstones_deinit(&manifest.tombstones);
    tombstones_init(&manifest.tombstones);
    save(world, &manifest);
    expect_problem(world, "erasure 1 is in the chain, and the manifest has forgotten it");
    end(world);
}

static void an_erasure_that_nobody_asked_for_is_found(void **state)
{
    (void)state;
    struct world *world = begin();
    struct manifest manifest;
    put_part(world);
    load(world, &manifest);
    const struct tombstone made = {
        .user_id = STR("b"), .erased_at_ms = 10000000, .number = manifest.next_erasure++};
    assert_int_equal(tombstones_set(&manifest.tombstones, &made), STATUS_OK);
    save(world, &manifest);
    expect_problem(world, "erasure 1 hides a user whom the chain does not name there");
    end(world);
}

static void a_chain_that_was_cut_is_found(void **state)
{
    (void)state;
    struct world *world = begin();
    struct disk_file *file = NULL;
    put_part(world);
    put_part(world);
    close_store(world);
    assert_int_equal(disk_open(world->disk, DIRECTORY "/chain", DISK_WRITE, &file, NULL),
                     STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 100, NULL), STATUS_OK);
    disk_file_close(file);
    assert_int_equal(verify(world)->problems, 1);
    end(world);
}

/* A chain that grew without its manifest, as a crash leaves it, is taken up where the manifest is.
 */
static void a_record_without_a_manifest_is_cut_off(void **state)
{
    (void)state;
    struct world *world = begin();
    struct world *ahead = begin();
    put_part(world);
    put_part(ahead);
    close_store(world);
    put_part(ahead);
    copy_file(ahead, world, DIRECTORY "/chain");
    expect_fine(world);
    open_store(world);
    put_part_of(world, "another");
    assert_int_equal(expect_fine(world)->records, 2);
    end(ahead);
    end(world);
}

/* Checkpoints ------------------------------------------------------------------------------- */

/* The key of RFC 8032 section 7.1, TEST 1. */
#define PRIVATE_KEY                                                                                \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
    "-----END PRIVATE KEY-----\n"

static struct ed25519_key *load_key(void)
{
    char path[] = "/tmp/usertrail-key-XXXXXX";
    struct ed25519_key *key = NULL;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, PRIVATE_KEY, strlen(PRIVATE_KEY)), strlen(PRIVATE_KEY));
    close(file);
    assert_int_equal(ed25519_key_load(path, &key, NULL), STATUS_OK);
    unlink(path);
    return key;
}

/* Leaves the store's checkpoint on its disk, beside it. */
static void keep_checkpoint(struct world *world)
{
    struct buffer text;
    struct disk_file *file = NULL;
    struct error err;
    buffer_init(&text, CHECKPOINT_BYTES_MAX);
    if (activity_store_local_checkpoint(world->store, &text, &err) != STATUS_OK) {
        fail_msg("no checkpoint: %s", err.message);
    }
    struct iovec all = {.iov_base = text.data, .iov_len = text.len};
    assert_int_equal(disk_open(world->disk, "kept", DISK_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &all, 1, NULL), STATUS_OK);
    disk_file_close(file);
    buffer_deinit(&text);
}

static const struct verification_request against_checkpoint = {.directory = DIRECTORY,
                                                               .checkpoint_file = "kept"};

static void expect_against_checkpoint(struct world *world, const char *words)
{
    struct verdict_of_all *verdict = verify_with(world, &against_checkpoint);
    if (words == NULL) {
        assert_int_equal(verdict->problems, 0);
        assert_int_equal(verdict->chain.checkpoint_records, 1);
        return;
    }
    assert_int_equal(verdict->problems, 1);
    assert_int_equal(verdict->chain.checkpoint_records, 0);
    if (strstr(verdict->problem.message, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", verdict->problem.message, words);
    }
}

static struct world *begin_signed(const struct checkpoint_signer *signer)
{
    struct world *world = begin();
    close_store(world);
    world->signer = signer;
    open_store(world);
    return world;
}

static void a_chain_that_grew_is_that_of_its_checkpoint(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct world *world = begin_signed(&signer);
    struct buffer nothing;
    buffer_init(&nothing, CHECKPOINT_BYTES_MAX);
    assert_int_equal(activity_store_local_checkpoint(world->store, &nothing, NULL),
                     STATUS_UNAVAILABLE); /* nothing was sealed */
    put_part(world);
    keep_checkpoint(world);
    expect_against_checkpoint(world, NULL);
    put_part(world);
    expect_against_checkpoint(world, NULL);
    end(world);
}

static int count_logged(struct world *world)
{
    static char text[1 << 16];
    int count = 0;
    rewind(world->log);
    text[fread(text, 1, sizeof text - 1, world->log)] = '\0';
    for (const char *at = text; (at = strstr(at, "usertrail.store/")) != NULL; at++) {
        count++;
    }
    return count;
}

static void checkpoints_are_logged_now_and_then_and_at_the_end(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct world *world = begin_signed(&signer);
    for (int i = 0; i < 3; i++) {
        put_part_of(world, "a");
    }
    assert_int_equal(count_logged(world), 1);
    close_store(world);
    assert_int_equal(count_logged(world), 2);
    world->signer = NULL;
    open_store(world);
    put_part_of(world, "a");
    close_store(world);
    assert_int_equal(count_logged(world), 2);
    end(world);
}

/* The whole store anew, with one activity changed, and every hash computed again. */
static void a_chain_that_was_made_anew_is_found(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct world *honest = begin_signed(&signer);
    struct world *forger = begin();
    put_part(honest);
    keep_checkpoint(honest);
    put_row(forger, "a", STR("{\"n\":2}"));
    for (int i = 1; i < ROWS; i++) {
        put_row(forger, "a", STR("{\"n\":1}"));
    }
    sync_store(forger);
    copy_file(honest, forger, "kept");
    assert_int_equal(verify(forger)->problems, 0);
    expect_against_checkpoint(forger, "the chain was made anew");
    end(forger);
    end(honest);
}

/* The store goes back to what it was before the checkpoint. */
static void a_chain_whose_end_is_gone_is_found(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct world *world = begin_signed(&signer);
    struct world *before = begin();
    put_part(before);
    put_part(world);
    put_part(world);
    keep_checkpoint(world);
    copy_file(world, before, "kept");
    assert_int_equal(verify(before)->problems, 0);
    expect_against_checkpoint(before, "the end is gone");
    end(before);
    end(world);
}

static void another_store_is_not_that_of_the_checkpoint(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct world *world = begin_signed(&signer);
    struct world *other = begin_with_seed(99);
    put_part(world);
    put_part(other);
    keep_checkpoint(world);
    copy_file(world, other, "kept");
    expect_against_checkpoint(other, "another store");
    end(other);
    end(world);
}

static void a_checkpoint_that_is_none_is_refused(void **state)
{
    (void)state;
    struct world *world = begin();
    struct verdict_of_all verdict = {0};
    struct store_verification found;
    struct error err;
    put_part(world);
    assert_int_equal(activity_store_local_verify(world->disk, &against_checkpoint,
                                                 &verdict.listener, &found, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "there is no checkpoint kept"));
    const struct verification_request not_one = {.directory = DIRECTORY,
                                                 .checkpoint_file = DIRECTORY "/chain"};
    assert_int_equal(
        activity_store_local_verify(world->disk, &not_one, &verdict.listener, &found, &err),
        STATUS_INVALID);
    end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sync_is_a_seal),
        cmocka_unit_test(merging_changes_no_seal),
        cmocka_unit_test(erased_activities_are_proven_by_their_leaves),
        cmocka_unit_test(a_part_that_was_erased_as_a_whole_is_proven),
        cmocka_unit_test(a_user_may_be_erased_again),
        cmocka_unit_test(what_expired_is_in_the_chain),
        cmocka_unit_test(a_changed_activity_is_found),
        cmocka_unit_test(activities_that_are_missing_are_found),
        cmocka_unit_test(activities_that_nobody_sealed_are_found),
        cmocka_unit_test(an_erasure_that_is_taken_back_is_found),
        cmocka_unit_test(an_erasure_that_nobody_asked_for_is_found),
        cmocka_unit_test(a_chain_that_was_cut_is_found),
        cmocka_unit_test(a_record_without_a_manifest_is_cut_off),
        cmocka_unit_test(a_chain_that_grew_is_that_of_its_checkpoint),
        cmocka_unit_test(checkpoints_are_logged_now_and_then_and_at_the_end),
        cmocka_unit_test(a_chain_that_was_made_anew_is_found),
        cmocka_unit_test(a_chain_whose_end_is_gone_is_found),
        cmocka_unit_test(another_store_is_not_that_of_the_checkpoint),
        cmocka_unit_test(a_checkpoint_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
