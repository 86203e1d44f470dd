/* Guards what an erasure says of its record: whoever reads the chain finds there what was said. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_erasure_names_its_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
