/* Guards the chain of seals: sealing, merging, erasing and expiring leave a store whose activities
 * are proven to be those that were stored, and whoever changes, takes away or adds any of them,
 * with all checksums right, is found out. */
#include "infrastructure/activity_store_local/checkpoint.h"
#include "infrastructure/activity_store_local/store_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS = 300 };

static const struct verification_request of_folder = {.directory = STORE_BED_FOLDER};

static struct store_bed *begin(void)
{
    return store_bed_new(5);
}

/* What is put may differ in the metadata of one row. */
static void put_row(struct store_bed *bed, const char *user, struct str metadata)
{
    char id[64];
    long long number = bed->offset;
    if (number % 2 == 0) { /* without a salt */
        snprintf(id, sizeof id, "018d0000-0000-7000-8000-%012lld", number);
    } else {
        snprintf(id, sizeof id, "row-%lld", number);
    }
    const struct activity activity = {.id = str_from(id),
                                      .user_id = str_from(user),
                                      .action = STR("login"),
                                      .metadata = metadata,
                                      .timestamp_ms = 1000 * (number + 1),
                                      .received_at_ms = 1000 * (number + 1)};
    store_bed_put(bed, &activity);
}

/* A part of users a, b and c in turn. */
static void put_part(struct store_bed *bed)
{
    static const char *const users[] = {"a", "b", "c"};
    for (int i = 0; i < ROWS; i++) {
        put_row(bed, users[bed->offset % 3], STR("{\"n\":1}"));
    }
    store_bed_sync(bed);
}

static void put_part_of(struct store_bed *bed, const char *user)
{
    for (int i = 0; i < ROWS; i++) {
        put_row(bed, user, STR("{\"n\":1}"));
    }
    store_bed_sync(bed);
}

static uint64_t erase(struct store_bed *bed, struct str user, int64_t erased_at_ms)
{
    struct activity_erasure erasure;
    assert_int_equal(activity_store_erase(bed->store, user, erased_at_ms, &erasure, NULL),
                     STATUS_OK);
    return erasure.erased;
}

/* Verifying --------------------------------------------------------------------------------- */

static struct store_bed_verdicts *verify_with(struct store_bed *bed,
                                              const struct verification_request *request)
{
    static struct store_bed_verdicts verdicts;
    store_bed_verify(bed, request, &verdicts);
    return &verdicts;
}

static struct store_bed_verdicts *verify(struct store_bed *bed)
{
    return verify_with(bed, &of_folder);
}

static const struct verified_chain *expect_fine(struct store_bed *bed)
{
    const struct store_bed_verdicts *verdicts = verify(bed);
    if (verdicts->problems > 0) {
        fail_msg("verify finds: %s", verdicts->first.message);
    }
    return &verdicts->chain;
}

static void expect_problem(struct store_bed *bed, const char *words)
{
    const struct store_bed_verdicts *verdicts = verify(bed);
    assert_true(store_bed_says(verdicts, words));
    assert_int_equal(verdicts->problems, 1);
}

/* Changes behind the store's back ------------------------------------------------------------ */

static void copy_file(struct store_bed *from, struct store_bed *to, const char *path)
{
    static struct store_bed_file file;
    store_bed_read(from, path, &file);
    store_bed_write(to, path, &file);
}

static void copy_part(struct store_bed *from, struct store_bed *to, uint64_t number)
{
    char path[DISK_PATH_BYTES_MAX];
    store_bed_part_path(number, path);
    copy_file(from, to, path);
}

/* Tests ------------------------------------------------------------------------------------- */

static void each_sync_is_a_seal(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    assert_int_equal(expect_fine(bed)->records, 0);
    put_part(bed);
    put_part(bed);
    store_bed_sync(bed); /* nothing new */
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->records, 2);
    assert_int_equal(chain->seals, 2);
    assert_int_equal(chain->sealed, 2 * ROWS);
    assert_int_equal(chain->unsealed, 0);
    store_bed_close(bed);
    store_bed_open(bed);
    put_part(bed);
    assert_int_equal(expect_fine(bed)->seals, 3);
    store_bed_free(bed);
}

static void merging_changes_no_seal(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    for (int i = 0; i < 7; i++) {
        put_part(bed);
    }
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->records, 7);
    assert_true(verify(bed)->ended < 7);
    store_bed_free(bed);
}

static void erased_activities_are_proven_by_their_leaves(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    put_part(bed);
    put_row(bed, "a", STR("{\"in\":\"the head\"}"));
    assert_int_equal(erase(bed, STR("a"), 10000000), 2 * ROWS / 3 + 1);
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->records, 3);
    assert_int_equal(chain->left_out, 0); /* hidden, and still in the files */
    put_part_of(bed, "b");                /* three parts are merged */
    chain = expect_fine(bed);
    assert_int_equal(verify(bed)->ended, 1);
    assert_int_equal(chain->left_out, 2 * ROWS / 3);
    assert_int_equal(chain->sealed, 3 * ROWS);
    store_bed_close(bed);
    store_bed_open(bed);
    assert_int_equal(expect_fine(bed)->left_out, 2 * ROWS / 3);
    store_bed_free(bed);
}

static void a_part_that_was_erased_as_a_whole_is_proven(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part_of(bed, "gone");
    put_part_of(bed, "gone");
    assert_int_equal(erase(bed, STR("gone"), 10000000), 2 * ROWS);
    put_part_of(bed, "stays");
    put_part_of(bed, "stays");
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->left_out, 2 * ROWS);
    assert_int_equal(chain->sealed, 4 * ROWS);
    store_bed_free(bed);
}

static void a_user_may_be_erased_again(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    assert_int_equal(erase(bed, STR("a"), 50000), ROWS / 3);
    put_part(bed);
    assert_int_equal(erase(bed, STR("b"), 10000000), 2 * ROWS / 3);
    assert_int_equal(erase(bed, STR("a"), 10000000), ROWS / 3);
    assert_int_equal(erase(bed, STR("a"), 60000), 0); /* earlier: the later time stays */
    /* Two seals, four erasures, and the leaves of what left the files at the second sync. */
    assert_int_equal(expect_fine(bed)->records, 7);
    store_bed_free(bed);
}

/* Their user was erased, but not for what comes later; then the log gives two of the same places
 * again, before and behind what the new head begins with. Each of their seals is proven. */
static void activities_that_are_taken_once_more_are_proven(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    for (int round = 0; round < 4; round++) {
        int64_t end = bed->offset;
        erase(bed, STR("a"), 1);
        bed->offset = 0;
        put_row(bed, "a", STR("{\"n\":1}"));
        bed->offset = 3;
        put_row(bed, "a", STR("{\"n\":1}"));
        bed->offset = end;
        put_part_of(bed, "b");
        expect_fine(bed);
    }
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->sealed, 5 * ROWS + 4 * 2);
    assert_true(verify(bed)->ended < 5);
    store_bed_free(bed);
}

static void what_expired_is_in_the_chain(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    uint64_t expired = 0;
    put_part(bed);
    put_part(bed);
    assert_int_equal(activity_store_expire(bed->store, 1000 * (ROWS + 1), &expired, NULL),
                     STATUS_OK);
    assert_int_equal(expired, ROWS);
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->records, 3);
    assert_int_equal(chain->expired, ROWS);
    store_bed_free(bed);
}

/* Two stores that differ in one activity: the part of the one is sound in the other, too. */
static void a_changed_activity_is_found(void **state)
{
    (void)state;
    struct store_bed *honest = begin();
    struct store_bed *forger = begin();
    for (int i = 0; i < ROWS; i++) {
        put_row(honest, "a", STR("{\"sum\":100}"));
        put_row(forger, "a", i == ROWS / 2 ? STR("{\"sum\":900}") : STR("{\"sum\":100}"));
    }
    store_bed_sync(honest);
    store_bed_sync(forger);
    expect_fine(honest);
    expect_fine(forger);
    struct manifest mine;
    struct manifest theirs;
    store_bed_load(honest, &mine);
    store_bed_load(forger, &theirs);
    copy_part(forger, honest, 1);
    mine.parts[0] = theirs.parts[0];
    store_bed_save(honest, &mine);
    manifest_deinit(&theirs);
    expect_problem(honest, "seal 1: its 300 activities are not all as they were sealed");
    store_bed_free(forger);
    store_bed_free(honest);
}

static void activities_that_are_missing_are_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct manifest manifest;
    put_part(bed);
    put_part(bed);
    store_bed_load(bed, &manifest);
    assert_int_equal(manifest_replace(&manifest, 0, 1, NULL), STATUS_OK);
    store_bed_save(bed, &manifest);
    expect_problem(bed, "seal 1: 300 activities were sealed, and 0 are there or were erased");
    store_bed_free(bed);
}

/* The second part comes back without its seal. */
static void activities_that_nobody_sealed_are_found(void **state)
{
    (void)state;
    struct store_bed *honest = begin();
    struct store_bed *forger = begin();
    struct manifest manifest;
    struct manifest more;
    put_part(honest);
    put_part(forger);
    for (int i = 0; i < 30; i++) {
        put_row(forger, "a", STR("{\"never\":true}"));
    }
    store_bed_sync(forger);
    store_bed_load(honest, &manifest);
    store_bed_load(forger, &more);
    copy_part(forger, honest, more.parts[1].number);
    struct manifest_part added = more.parts[1];
    added.seals = manifest.parts[0].seals;
    assert_int_equal(manifest_replace(&manifest, 1, 0, &added), STATUS_OK);
    manifest.next_part = more.next_part;
    store_bed_save(honest, &manifest);
    manifest_deinit(&more);
    const struct store_bed_verdicts *verdicts = verify(honest);
    assert_int_equal(verdicts->problems, 2);
    assert_true(store_bed_says(verdicts, "seal 1: two parts say that it is theirs"));
    store_bed_free(forger);
    store_bed_free(honest);
}

static void a_part_without_seals_is_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct manifest manifest;
    struct activity_store *store = NULL;
    struct error err;
    put_part(bed);
    put_part(bed);
    store_bed_close(bed);
    store_bed_load(bed, &manifest);
    manifest.parts[1].seals = (struct seal_range){0};
    store_bed_save(bed, &manifest);
    const struct store_bed_verdicts *verdicts = verify(bed);
    assert_int_equal(verdicts->problems, 2); /* its seal has lost its rows, too */
    assert_true(store_bed_says(verdicts, "its 300 activities were never sealed"));
    const struct activity_store_local_config config = {.disk = bed->disk,
                                                       .directory = STORE_BED_FOLDER,
                                                       .clock = &clock_system,
                                                       .random = &bed->random,
                                                       .logger = &bed->logger};
    assert_int_equal(activity_store_local_new(&config, &store, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "part 2 was never sealed"));
    store_bed_free(bed);
}

/* The folder as it was before there was a chain. */
static void take_chain_away(struct store_bed *bed)
{
    struct manifest manifest;
    store_bed_load(bed, &manifest);
    manifest.chain = (struct chain_end){0};
    for (size_t i = 0; i < manifest.part_count; i++) {
        manifest.parts[i].seals = (struct seal_range){0};
    }
    store_bed_save(bed, &manifest);
    assert_int_equal(disk_remove(bed->disk, STORE_BED_FOLDER "/chain", NULL), STATUS_OK);
}

static void a_store_from_before_is_sealed_once(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    put_part(bed);
    assert_int_equal(erase(bed, STR("c"), 50000), 2 * ROWS / 3);
    assert_int_equal(erase(bed, STR("a"), 10000000), 2 * ROWS / 3);
    store_bed_close(bed);
    take_chain_away(bed);
    const struct verified_chain *chain = expect_fine(bed);
    assert_int_equal(chain->unsealed, 2 * ROWS);
    store_bed_open(bed);
    chain = expect_fine(bed);
    assert_int_equal(chain->records, 4);
    assert_int_equal(chain->sealed, 2 * ROWS);
    assert_int_equal(chain->unsealed, 0);
    store_bed_close(bed);
    store_bed_open(bed);
    assert_int_equal(expect_fine(bed)->records, 4);
    for (int i = 0; i < 3; i++) { /* which merges one after the other */
        put_part_of(bed, "b");
    }
    chain = expect_fine(bed);
    assert_int_equal(chain->left_out, 4 * ROWS / 3);
    store_bed_free(bed);
}

/* A row goes, and its leaf stands in the chain as if somebody had erased it. */
static void leaves_of_what_nobody_erased_are_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct manifest manifest;
    struct chain *chain = NULL;
    struct placed_leaf leaf = {.log_id = store_bed_log_id, .offset = 5000};
    const struct leaf_list left_out = {.leaves = &leaf, .count = 1};
    put_part(bed);
    store_bed_close(bed);
    store_bed_load(bed, &manifest);
    const struct chain_place place = {bed->disk, STORE_BED_FOLDER, manifest.store_id};
    assert_int_equal(chain_open(&place, &manifest.chain, &chain, NULL), STATUS_OK);
    assert_int_equal(
        chain_append_left_out(chain, &manifest.chain, &left_out, &manifest.chain, NULL), STATUS_OK);
    chain_free(chain);
    store_bed_save(bed, &manifest);
    expect_problem(bed, "1 activities are gone as erased, and all erasures erased 0");
    store_bed_free(bed);
}

static void an_erasure_that_is_taken_back_is_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct manifest manifest;
    put_part(bed);
    erase(bed, STR("a"), 10000000);
    store_bed_load(bed, &manifest);
    tombstones_deinit(&manifest.tombstones);
    tombstones_init(&manifest.tombstones);
    store_bed_save(bed, &manifest);
    expect_problem(bed, "erasure 1 is in the chain, and the manifest has forgotten it");
    store_bed_free(bed);
}

static void an_erasure_that_nobody_asked_for_is_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct manifest manifest;
    put_part(bed);
    store_bed_load(bed, &manifest);
    const struct tombstone made = {
        .user_id = STR("b"), .erased_at_ms = 10000000, .number = manifest.next_erasure++};
    assert_int_equal(tombstones_set(&manifest.tombstones, &made), STATUS_OK);
    store_bed_save(bed, &manifest);
    expect_problem(bed, "erasure 1 hides a user whom the chain does not name there");
    store_bed_free(bed);
}

static void a_chain_that_was_cut_is_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct disk_file *file = NULL;
    put_part(bed);
    put_part(bed);
    store_bed_close(bed);
    assert_int_equal(disk_open(bed->disk, STORE_BED_FOLDER "/chain", DISK_WRITE, &file, NULL),
                     STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 100, NULL), STATUS_OK);
    disk_file_close(file);
    assert_int_equal(verify(bed)->problems, 1);
    store_bed_free(bed);
}

/* A chain that grew without its manifest, as a crash leaves it, is taken up where the manifest is.
 */
static void a_record_without_a_manifest_is_cut_off(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct store_bed *ahead = begin();
    put_part(bed);
    put_part(ahead);
    store_bed_close(bed);
    put_part(ahead);
    copy_file(ahead, bed, STORE_BED_FOLDER "/chain");
    expect_fine(bed);
    store_bed_open(bed);
    put_part_of(bed, "another");
    assert_int_equal(expect_fine(bed)->records, 2);
    store_bed_free(ahead);
    store_bed_free(bed);
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
static void keep_checkpoint(struct store_bed *bed)
{
    struct buffer text;
    struct disk_file *file = NULL;
    struct error err;
    buffer_init(&text, CHECKPOINT_BYTES_MAX);
    if (activity_store_local_checkpoint(bed->store, &text, &err) != STATUS_OK) {
        fail_msg("no checkpoint: %s", err.message);
    }
    struct iovec all = {.iov_base = text.data, .iov_len = text.len};
    assert_int_equal(disk_open(bed->disk, "kept", DISK_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &all, 1, NULL), STATUS_OK);
    disk_file_close(file);
    buffer_deinit(&text);
}

static const struct verification_request against_checkpoint = {.directory = STORE_BED_FOLDER,
                                                               .checkpoint_file = "kept"};

static void expect_against_checkpoint(struct store_bed *bed, const char *words)
{
    const struct store_bed_verdicts *verdicts = verify_with(bed, &against_checkpoint);
    if (words == NULL) {
        assert_int_equal(verdicts->problems, 0);
        assert_int_equal(verdicts->chain.checkpoint_records, 1);
        return;
    }
    assert_int_equal(verdicts->problems, 1);
    assert_int_equal(verdicts->chain.checkpoint_records, 0);
    assert_true(store_bed_says(verdicts, words));
}

static struct store_bed *begin_signed(const struct checkpoint_signer *signer)
{
    struct store_bed *bed = begin();
    store_bed_close(bed);
    bed->signer = signer;
    store_bed_open(bed);
    return bed;
}

static void a_chain_that_grew_is_that_of_its_checkpoint(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    struct buffer nothing;
    buffer_init(&nothing, CHECKPOINT_BYTES_MAX);
    assert_int_equal(activity_store_local_checkpoint(bed->store, &nothing, NULL),
                     STATUS_UNAVAILABLE); /* nothing was sealed */
    put_part(bed);
    keep_checkpoint(bed);
    expect_against_checkpoint(bed, NULL);
    put_part(bed);
    expect_against_checkpoint(bed, NULL);
    store_bed_free(bed);
}

static int count_logged(struct store_bed *bed)
{
    static char text[1 << 16];
    int count = 0;
    rewind(bed->log);
    text[fread(text, 1, sizeof text - 1, bed->log)] = '\0';
    for (const char *at = text; (at = strstr(at, "usertrail.store/")) != NULL; at++) {
        count++;
    }
    return count;
}

/* By the seals, not by what the record of the expiry claims. */
static void what_went_since_the_checkpoint_is_told(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    struct manifest manifest;
    struct chain *chain = NULL;
    put_part(bed);
    keep_checkpoint(bed);
    put_part(bed);
    store_bed_close(bed);
    store_bed_load(bed, &manifest);
    const struct chain_place place = {bed->disk, STORE_BED_FOLDER, manifest.store_id};
    const struct chain_seal_range range = {1, 1};
    const struct chain_expiry claims_nothing = {.rows = 0, .ranges = &range, .range_count = 1};
    assert_int_equal(chain_open(&place, &manifest.chain, &chain, NULL), STATUS_OK);
    assert_int_equal(
        chain_append_expiry(chain, &manifest.chain, &claims_nothing, &manifest.chain, NULL),
        STATUS_OK);
    chain_free(chain);
    assert_int_equal(manifest_replace(&manifest, 0, 1, NULL), STATUS_OK);
    store_bed_save(bed, &manifest);
    const struct store_bed_verdicts *verdicts = verify_with(bed, &against_checkpoint);
    assert_int_equal(verdicts->problems, 0);
    assert_int_equal(verdicts->chain.expired, ROWS);
    assert_int_equal(verdicts->chain.expired_since, ROWS);
    store_bed_free(bed);
}

static void checkpoints_are_logged_now_and_then_and_at_the_end(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    for (int i = 0; i < 3; i++) {
        put_part_of(bed, "a");
    }
    assert_int_equal(count_logged(bed), 1);
    store_bed_close(bed);
    assert_int_equal(count_logged(bed), 2);
    bed->signer = NULL;
    store_bed_open(bed);
    put_part_of(bed, "a");
    store_bed_close(bed);
    assert_int_equal(count_logged(bed), 2);
    store_bed_free(bed);
}

/* A part is gone, which shows when the chain is open already. */
static void a_store_that_does_not_open_logs_no_checkpoint(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    char path[DISK_PATH_BYTES_MAX];
    struct activity_store *store = NULL;
    const struct activity_store_local_config config = {.disk = bed->disk,
                                                       .directory = STORE_BED_FOLDER,
                                                       .clock = &clock_system,
                                                       .random = &bed->random,
                                                       .logger = &bed->logger,
                                                       .signer = &signer};
    put_part(bed);
    store_bed_close(bed);
    int logged = count_logged(bed);
    store_bed_part_path(1, path);
    assert_int_equal(disk_remove(bed->disk, path, NULL), STATUS_OK);
    assert_int_not_equal(activity_store_local_new(&config, &store, NULL), STATUS_OK);
    assert_int_equal(count_logged(bed), logged);
    store_bed_free(bed);
}

/* The whole store anew, with one activity changed, and every hash computed again. */
static void a_chain_that_was_made_anew_is_found(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *honest = begin_signed(&signer);
    struct store_bed *forger = begin();
    put_part(honest);
    keep_checkpoint(honest);
    put_row(forger, "a", STR("{\"n\":2}"));
    for (int i = 1; i < ROWS; i++) {
        put_row(forger, "a", STR("{\"n\":1}"));
    }
    store_bed_sync(forger);
    copy_file(honest, forger, "kept");
    assert_int_equal(verify(forger)->problems, 0);
    expect_against_checkpoint(forger, "the chain was made anew");
    store_bed_free(forger);
    store_bed_free(honest);
}

/* The store goes back to what it was before the checkpoint. */
static void a_chain_whose_end_is_gone_is_found(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    struct store_bed *before = begin();
    put_part(before);
    put_part(bed);
    put_part(bed);
    keep_checkpoint(bed);
    copy_file(bed, before, "kept");
    assert_int_equal(verify(before)->problems, 0);
    expect_against_checkpoint(before, "the end is gone");
    store_bed_free(before);
    store_bed_free(bed);
}

static void another_store_is_not_that_of_the_checkpoint(void **state)
{
    (void)state;
    CLEANUP(ed25519_key_free) struct ed25519_key *key = load_key();
    const struct checkpoint_signer signer = {.key = key, .name = STR("test")};
    struct store_bed *bed = begin_signed(&signer);
    struct store_bed *other = store_bed_new(99);
    put_part(bed);
    put_part(other);
    keep_checkpoint(bed);
    copy_file(bed, other, "kept");
    expect_against_checkpoint(other, "another store");
    store_bed_free(other);
    store_bed_free(bed);
}

static void a_checkpoint_that_is_none_is_refused(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    struct verification_listener deaf = {0};
    struct store_verification found;
    struct error err;
    put_part(bed);
    assert_int_equal(
        activity_store_local_verify(bed->disk, &against_checkpoint, &deaf, &found, &err),
        STATUS_INVALID);
    assert_non_null(strstr(err.message, "there is no checkpoint kept"));
    const struct verification_request not_one = {.directory = STORE_BED_FOLDER,
                                                 .checkpoint_file = STORE_BED_FOLDER "/chain"};
    assert_int_equal(activity_store_local_verify(bed->disk, &not_one, &deaf, &found, &err),
                     STATUS_INVALID);
    store_bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sync_is_a_seal),
        cmocka_unit_test(merging_changes_no_seal),
        cmocka_unit_test(erased_activities_are_proven_by_their_leaves),
        cmocka_unit_test(a_part_that_was_erased_as_a_whole_is_proven),
        cmocka_unit_test(a_user_may_be_erased_again),
        cmocka_unit_test(activities_that_are_taken_once_more_are_proven),
        cmocka_unit_test(what_expired_is_in_the_chain),
        cmocka_unit_test(a_changed_activity_is_found),
        cmocka_unit_test(activities_that_are_missing_are_found),
        cmocka_unit_test(activities_that_nobody_sealed_are_found),
        cmocka_unit_test(a_part_without_seals_is_found),
        cmocka_unit_test(a_store_from_before_is_sealed_once),
        cmocka_unit_test(leaves_of_what_nobody_erased_are_found),
        cmocka_unit_test(an_erasure_that_is_taken_back_is_found),
        cmocka_unit_test(an_erasure_that_nobody_asked_for_is_found),
        cmocka_unit_test(a_chain_that_was_cut_is_found),
        cmocka_unit_test(a_record_without_a_manifest_is_cut_off),
        cmocka_unit_test(a_chain_that_grew_is_that_of_its_checkpoint),
        cmocka_unit_test(what_went_since_the_checkpoint_is_told),
        cmocka_unit_test(checkpoints_are_logged_now_and_then_and_at_the_end),
        cmocka_unit_test(a_store_that_does_not_open_logs_no_checkpoint),
        cmocka_unit_test(a_chain_that_was_made_anew_is_found),
        cmocka_unit_test(a_chain_whose_end_is_gone_is_found),
        cmocka_unit_test(another_store_is_not_that_of_the_checkpoint),
        cmocka_unit_test(a_checkpoint_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
