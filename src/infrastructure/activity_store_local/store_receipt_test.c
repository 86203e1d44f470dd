/* Guards what an erasure says of its record: whoever reads the chain finds there what was said, and
 * verifying holds a receipt against it, whatever became of the store since. */
#include "application/erasure_receipt.h"
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/store_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS = 300 };

static struct store_bed *begin(void)
{
    return store_bed_new(7);
}

static void put_row(struct store_bed *bed, const char *user)
{
    char id[32];
    long long number = bed->offset;
    snprintf(id, sizeof id, "row-%lld", number);
    const struct activity activity = {.id = str_from(id),
                                      .user_id = str_from(user),
                                      .action = STR("login"),
                                      .metadata = STR("{}"),
                                      .timestamp_ms = 1000 * (number + 1),
                                      .received_at_ms = 1000 * (number + 1)};
    store_bed_put(bed, &activity);
}

/* A part of users a, b and c in turn. */
static void put_part(struct store_bed *bed)
{
    static const char *const users[] = {"a", "b", "c"};
    for (int i = 0; i < ROWS; i++) {
        put_row(bed, users[i % 3]);
    }
    store_bed_sync(bed);
}

static struct activity_erasure erase(struct store_bed *bed, struct str user, int64_t erased_at_ms)
{
    struct activity_erasure erasure;
    assert_int_equal(activity_store_erase(bed->store, user, erased_at_ms, &erasure, NULL),
                     STATUS_OK);
    return erasure;
}

/* Reads the chain as anybody who has the file can. */
static void expect_in_chain(struct store_bed *bed, const struct activity_erasure *erasure,
                            struct str user)
{
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    const struct chain_place place = {bed->disk, STORE_BED_FOLDER, erasure->record.store_id};
    const struct chain_record *record = NULL;
    struct sha256 sha256;
    uint8_t hash[SHA256_BYTES];
    assert_true(erasure->recorded);
    assert_int_equal(chain_reader_open(&place, NULL, &reader, NULL), STATUS_OK);
    do {
        assert_int_equal(chain_reader_next(reader, &record, NULL), STATUS_OK);
        assert_non_null(record);
    } while (chain_reader_end(reader)->records < erasure->record.number);
    assert_int_equal(record->kind, CHAIN_ERASURE);
    assert_memory_equal(chain_reader_end(reader)->hash, erasure->record.hash, SHA256_BYTES);
    assert_int_equal(record->erasure.erased_at_ms, erasure->record.erased_at_ms);
    assert_int_equal(record->erasure.rows, erasure->record.sealed);
    assert_int_equal(sha256_init(&sha256), STATUS_OK);
    assert_int_equal(chain_user_hash(&sha256, record->erasure.salt, user, hash), STATUS_OK);
    assert_memory_equal(record->erasure.user_hash, hash, sizeof hash);
    sha256_deinit(&sha256);
}

/* Of activities in parts, of activities in memory, of both, and of none. */
static void an_erasure_names_its_record(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    struct activity_erasure in_part = erase(bed, STR("a"), 50000);
    assert_int_equal(in_part.record.sealed, ROWS / 3);
    put_row(bed, "d");
    struct activity_erasure in_memory = erase(bed, STR("d"), 60000);
    assert_int_equal(in_memory.erased, 1);
    assert_int_equal(in_memory.record.sealed, 0);
    put_row(bed, "b");
    struct activity_erasure in_both = erase(bed, STR("b"), 60000);
    assert_int_equal(in_both.erased, ROWS / 3 + 1);
    assert_int_equal(in_both.record.sealed, ROWS / 3);
    struct activity_erasure again = erase(bed, STR("b"), 40000);
    assert_int_equal(again.erased, 0);
    assert_int_equal(again.record.erased_at_ms, 60000);
    assert_int_equal(again.record.number, 5);
    put_part(bed);
    expect_in_chain(bed, &in_part, STR("a"));
    expect_in_chain(bed, &in_memory, STR("d"));
    expect_in_chain(bed, &in_both, STR("b"));
    expect_in_chain(bed, &again, STR("b"));
    store_bed_free(bed);
}

/* Receipts ---------------------------------------------------------------------------------- */

#define RECEIPT_FILE "kept"

static const struct verification_request against_receipt = {.directory = STORE_BED_FOLDER,
                                                            .receipt_file = RECEIPT_FILE};

/* As the API answers. */
static void keep(struct store_bed *bed, const struct activity_erasure *erasure, const char *user)
{
    static struct store_bed_file file;
    const struct erasure_record *record = &erasure->record;
    char store_id[UUID_TEXT_BYTES];
    char time[TIMESTAMP_TEXT_BYTES];
    char hash[2 * ERASURE_HASH_BYTES + 1];
    uuid_format(record->store_id, store_id);
    timestamp_format(record->erased_at_ms, time);
    for (size_t i = 0; i < sizeof record->hash; i++) {
        snprintf(hash + 2 * i, 3, "%02x", record->hash[i]);
    }
    int len = snprintf((char *)file.bytes, sizeof file.bytes,
                       "{\"status\":\"success\",\"userId\":\"%s\",\"erasedAt\":\"%.*s\","
                       "\"erased\":%llu,\"receipt\":{\"store\":\"local\",\"durable\":true,"
                       "\"chain\":{\"storeId\":\"%.*s\",\"record\":%llu,\"hash\":\"%s\","
                       "\"sealed\":%llu}}}",
                       user, (int)sizeof time, time, (unsigned long long)erasure->erased,
                       (int)sizeof store_id, store_id, (unsigned long long)record->number, hash,
                       (unsigned long long)record->sealed);
    file.len = (size_t)len;
    store_bed_write(bed, RECEIPT_FILE, &file);
}

static const struct store_bed_verdicts *verify(struct store_bed *bed)
{
    static struct store_bed_verdicts verdicts;
    store_bed_verify(bed, &against_receipt, &verdicts);
    return &verdicts;
}

static void expect_holds(struct store_bed *bed, const struct activity_erasure *erasure,
                         const char *user)
{
    keep(bed, erasure, user);
    const struct store_bed_verdicts *verdicts = verify(bed);
    const struct verified_receipt *told = &verdicts->chain.receipt;
    assert_int_equal(verdicts->problems, 0);
    assert_int_equal(told->record, erasure->record.number);
    assert_int_equal(told->erased_at_ms, erasure->record.erased_at_ms);
    assert_int_equal(told->erased, erasure->erased);
    assert_int_equal(told->sealed, erasure->record.sealed);
}

static void expect_contradicts(struct store_bed *bed, const struct activity_erasure *erasure,
                               const char *user, const char *words)
{
    keep(bed, erasure, user);
    const struct store_bed_verdicts *verdicts = verify(bed);
    assert_true(store_bed_says(verdicts, words));
    assert_int_equal(verdicts->problems, 1);
    assert_int_equal(verdicts->chain.receipt.record, 0);
}

static void a_receipt_holds_for_ever(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    put_row(bed, "a");
    struct activity_erasure first = erase(bed, STR("a"), 50000);
    expect_holds(bed, &first, "a");
    struct activity_erasure again = erase(bed, STR("a"), 40000);
    for (int i = 0; i < 6; i++) {
        put_part(bed);
    }
    erase(bed, STR("b"), 10000000);
    store_bed_close(bed);
    store_bed_open(bed);
    expect_holds(bed, &first, "a");
    expect_holds(bed, &again, "a");
    store_bed_free(bed);
}

static void a_receipt_that_was_changed_is_found(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    const struct activity_erasure told = erase(bed, STR("a"), 50000);
    struct activity_erasure changed = told;
    expect_contradicts(bed, &told, "b", "its userId is not whom record 2 erased");
    changed.record.erased_at_ms++;
    expect_contradicts(bed, &changed, "a", "its erasedAt is not that of record 2");
    changed = told;
    changed.record.sealed--;
    expect_contradicts(bed, &changed, "a", "its sealed is 99, and record 2 erased 100");
    changed = told;
    changed.record.hash[31] ^= 1;
    expect_contradicts(bed, &changed, "a", "record 2 has another hash");
    changed = told;
    changed.record.number = 1;
    expect_contradicts(bed, &changed, "a", "record 1 is not one of an erasure");
    changed.record.number = 3;
    expect_contradicts(bed, &changed, "a", "names record 3, and there are 2");
    changed = told;
    changed.record.store_id.bytes[0] ^= 1;
    expect_contradicts(bed, &changed, "a", "another store, as its storeId says");
    expect_holds(bed, &told, "a");
    store_bed_free(bed);
}

static void each_difference_is_told(void **state)
{
    (void)state;
    struct store_bed *bed = begin();
    put_part(bed);
    struct activity_erasure told = erase(bed, STR("a"), 50000);
    told.record.erased_at_ms++;
    told.record.sealed--;
    keep(bed, &told, "b");
    assert_int_equal(verify(bed)->problems, 3);
    store_bed_free(bed);
}

/* The store that goes on without the erasure has the same id. */
static void a_chain_without_the_erasure_is_found(void **state)
{
    (void)state;
    struct store_bed *honest = begin();
    struct store_bed *other = begin();
    put_part(honest);
    put_part(other);
    struct activity_erasure told = erase(honest, STR("a"), 50000);
    expect_contradicts(other, &told, "a", "the end is gone");
    erase(other, STR("c"), 50000);
    expect_contradicts(other, &told, "a", "record 2 has another hash");
    store_bed_free(other);
    store_bed_free(honest);
}

static void expect_refused(struct store_bed *bed, const char *path, const char *words)
{
    const struct verification_request request = {.directory = STORE_BED_FOLDER,
                                                 .receipt_file = path};
    struct verification_listener deaf = {0};
    struct store_verification found;
    struct error err;
    assert_int_equal(activity_store_local_verify(bed->disk, &request, &deaf, &found, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, words));
}

static void a_file_that_is_no_receipt_is_refused(void **state)
{
    (void)state;
    static struct store_bed_file file;
    struct store_bed *bed = begin();
    put_part(bed);
    struct activity_erasure told = erase(bed, STR("a"), 50000);
    expect_refused(bed, "absent", "there is no receipt absent");
    expect_refused(bed, STORE_BED_FOLDER "/chain", "this is no receipt of an erasure");
    keep(bed, &told, "a");
    store_bed_read(bed, RECEIPT_FILE, &file);
    memset(file.bytes + file.len, ' ', ERASURE_RECEIPT_BYTES_MAX + 1 - file.len);
    file.len = ERASURE_RECEIPT_BYTES_MAX;
    store_bed_write(bed, RECEIPT_FILE, &file);
    assert_int_equal(verify(bed)->problems, 0);
    file.len++;
    store_bed_write(bed, RECEIPT_FILE, &file);
    expect_refused(bed, RECEIPT_FILE, "it is too long");
    store_bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erasure_names_its_record),
        cmocka_unit_test(a_receipt_holds_for_ever),
        cmocka_unit_test(a_receipt_that_was_changed_is_found),
        cmocka_unit_test(each_difference_is_told),
        cmocka_unit_test(a_chain_without_the_erasure_is_found),
        cmocka_unit_test(a_file_that_is_no_receipt_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
