#include "base/macros.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/metadata_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Splits and joins again; returns the text without its numbers. */
static struct str there_and_back(struct arena *arena, struct str plain)
{
    struct metadata_split split;
    static char joined[65536];
    assert_true(metadata_split(plain, arena, &split));
    assert_true(metadata_join(&split, joined, plain.len));
    assert_memory_equal(joined, plain.data, plain.len);
    if (plain.len > 0) {
        assert_false(metadata_join(&split, joined, plain.len - 1));
    }
    assert_false(metadata_join(&split, joined, plain.len + 1));
    return (struct str){split.text.data, split.numbers_at};
}

static void test_what_is_taken_out(void **state)
{
    (void)state;
    const struct {
        struct str plain;
        struct str text;
    } cases[] = {
        {STR(""), STR("")},
        {STR("{}"), STR("{}")},
        {STR("{\"n\":0}"), STR("{\"n\":\2}")},
        {STR("{\"n\":120,\"m\":-7.50}"), STR("{\"n\":\2,\"m\":-\2.\2}")},
        {STR("1.05"), STR("\2.05")},
        {STR("007"), STR("007")},
        {STR("1234567890123"), STR("\2\x30\x31\x32\x33")},
        {STR("1000000000000"), STR("\2\x30\x30\x30\x30")},
        {STR("x86_64 10.255"), STR("x86_64 \2.\2")},
        {STR("\"d74b9780239f8b43\""), STR("\"\x08\"")},
        {STR("\"d74b9780239f8b4\""), STR("\"\x07\x34\"")},
        {STR("abcdef0"), STR("abcdef0")},
        {STR("deadbeef"), STR("deadbeef")},
        {STR("deadbeef0"), STR("deadbeef0")},
        {STR("\"deadbeef0\""), STR("\"deadbeef0\"")},
        {STR("deadbeef0g"), STR("deadbeef0g")},
        {STR("0123456789a"), STR("0123456789a")},
        {STR("abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefab0123"),
         STR("abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefab0123")},
        {STR("x deadbeef01"), STR("x \5")},
        {STR("zdeadbeef"), STR("zdeadbeef")},
        {STR("DEADBEEF01"), STR("DEADBEEF01")},
        {STR("5e3"), STR("\2e3")},
        {STR("\xc3\xa9"
             "12"),
         STR("\xc3\xa9"
             "12")},
    };
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct str text = there_and_back(&arena, cases[i].plain);
        assert_int_equal(text.len, cases[i].text.len);
        assert_memory_equal(text.data, cases[i].text.data, text.len);
    }
    arena_deinit(&arena);
}

/* Texts of digits, letters and other bytes in every mixture. */
static void test_any_text_comes_back(void **state)
{
    (void)state;
    static const char letters[] = "0123456789abcdef0011 ,.\"{}:_gzAZ\xc3\xa9";
    static char text[3000];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    for (int turn = 0; turn < 3000; turn++) {
        size_t len = (size_t)random_below(&random, turn % 10 == 0 ? sizeof text : 40);
        size_t kinds = 1 + (size_t)random_below(&random, sizeof letters - 2);
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[random_below(&random, kinds)];
        }
        arena_reset(&arena);
        there_and_back(&arena, (struct str){text, len});
    }
    arena_deinit(&arena);
}

static void test_bytes_that_stand_for_something_are_left_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct metadata_split split;
    arena_init(&arena, (size_t)1 << 20);
    assert_false(metadata_split(STR("a\2b"), &arena, &split));
    assert_true(str_equal(split.text, STR("a\2b")));
    arena_deinit(&arena);
    arena_init(&arena, 8);
    assert_false(metadata_split(STR("0123456789abcdef"), &arena, &split));
    assert_null(split.text.data);
    arena_deinit(&arena);
}

/* Whatever a damaged block says, joining writes no further than it may and says no. */
static void test_wrong_parts_are_refused(void **state)
{
    (void)state;
    const struct metadata_split cases[] = {
        {.text = STR("\2"), .numbers_at = 1},                         /* no number */
        {.text = STR("\2\x05\x05"), .numbers_at = 1},                 /* one too many */
        {.text = STR("\2\x80\x80\x80\x80\x7f"), .numbers_at = 1},     /* too large */
        {.text = STR("\4"), .numbers_at = 1, .digits = STR("abc")},   /* too few digits */
        {.text = STR("\4"), .numbers_at = 1, .digits = STR("abcde")}, /* too many */
        {.text = STR("\1"), .numbers_at = 1},                         /* stands for nothing */
        {.text = STR("a"), .numbers_at = 2},                          /* beyond its end */
        {.text = STR("aaaaaaaaa"), .numbers_at = 9},                  /* too long */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char into[16] = "";
        for (size_t len = 0; len <= 8; len++) {
            assert_false(metadata_join(&cases[i], into, len));
            assert_int_equal(into[len], 0);
        }
    }
}

/* Rows ------------------------------------------------------------------------------------- */

enum { ROWS = 32, ROW_BYTES = 120 };

struct rows {
    char bytes[ROWS][ROW_BYTES];
    struct str texts[ROWS];
};

/* Objects of digits, letters and other bytes in every mixture. */
static void make_rows(struct rows *rows, const struct random *random)
{
    static const char letters[] = "0123456789abcdef0011 ,.\"{}:_gzAZ\xc3\xa9";
    for (size_t i = 0; i < ROWS; i++) {
        char *row = rows->bytes[i];
        size_t len = 2 + (size_t)random_below(random, ROW_BYTES - 2);
        size_t kinds = 1 + (size_t)random_below(random, sizeof letters - 2);
        for (size_t at = 1; at + 1 < len; at++) {
            row[at] = letters[random_below(random, kinds)];
        }
        row[0] = '{';
        row[len - 1] = '}';
        rows->texts[i] = (struct str){row, len};
    }
}

static struct str concatenate(struct arena *arena, const struct rows *rows, const uint32_t *order)
{
    char *all = arena_allocate(arena, (size_t)ROWS * ROW_BYTES);
    size_t len = 0;
    assert_non_null(all);
    for (size_t i = 0; i < ROWS; i++) {
        struct str row = rows->texts[order[i]];
        memcpy(all + len, row.data, row.len);
        len += row.len;
    }
    return (struct str){all, len};
}

static void append(char *into, size_t *len, struct str text)
{
    memcpy(into + *len, text.data, text.len);
    *len += text.len;
}

/* The pieces in another order stand for what splitting the rows in that order gives. */
static void expect_as_split(struct arena *arena, const struct rows *rows,
                            const struct metadata_piece *pieces, const uint32_t *order)
{
    static char texts[3][2 * ROWS * ROW_BYTES];
    size_t lengths[3] = {0};
    struct metadata_split split;
    assert_true(metadata_split(concatenate(arena, rows, order), arena, &split));
    for (size_t i = 0; i < ROWS; i++) {
        const struct metadata_piece *piece = &pieces[order[i]];
        append(texts[0], &lengths[0], piece->text);
        append(texts[1], &lengths[1], piece->numbers);
        append(texts[2], &lengths[2], piece->digits);
    }
    assert_int_equal(lengths[0], split.numbers_at);
    assert_memory_equal(texts[0], split.text.data, lengths[0]);
    assert_int_equal(lengths[1], split.text.len - split.numbers_at);
    assert_memory_equal(texts[1], split.text.data + lengths[0], lengths[1]);
    assert_int_equal(lengths[2], split.digits.len);
    assert_memory_equal(texts[2], split.digits.data, lengths[2]);
}

static void cut_all(const struct metadata_split *split, const struct rows *rows,
                    struct metadata_piece *out_pieces)
{
    struct metadata_cutting cutting;
    metadata_cutting_begin(&cutting, split);
    for (size_t i = 0; i < ROWS; i++) {
        char joined[ROW_BYTES];
        struct str row = rows->texts[i];
        assert_true(metadata_cutting_next(&cutting, row.len, &out_pieces[i]));
        assert_true(metadata_piece_join(&out_pieces[i], joined, row.len));
        assert_memory_equal(joined, row.data, row.len);
        assert_int_equal(metadata_cutting_is_complete(&cutting), i + 1 == ROWS);
    }
}

static void test_rows_are_cut_and_put_together_in_any_order(void **state)
{
    (void)state;
    static struct rows rows;
    static struct metadata_piece pieces[ROWS];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 3);
    for (int turn = 0; turn < 1000; turn++) {
        struct arena arena;
        struct metadata_split split;
        uint32_t order[ROWS];
        arena_init(&arena, (size_t)1 << 20);
        make_rows(&rows, &random);
        for (uint32_t i = 0; i < ROWS; i++) {
            order[i] = i;
        }
        assert_true(metadata_split(concatenate(&arena, &rows, order), &arena, &split));
        cut_all(&split, &rows, pieces);
        for (uint32_t i = ROWS - 1; i > 0; i--) {
            uint32_t with = (uint32_t)random_below(&random, i + 1);
            uint32_t moved = order[i];
            order[i] = order[with];
            order[with] = moved;
        }
        expect_as_split(&arena, &rows, pieces, order);
        arena_deinit(&arena);
    }
}

static void test_cuts_where_nothing_ends_are_refused(void **state)
{
    (void)state;
    const struct {
        struct metadata_split split;
        size_t len;
    } cases[] = {
        {{.text = STR("ab"), .numbers_at = 2}, 3},                        /* too short */
        {{.text = STR("\2\x7f"), .numbers_at = 1}, 2},                    /* within 127 */
        {{.text = STR("\4"), .numbers_at = 1, .digits = STR("abcd")}, 7}, /* within a run */
        {{.text = STR("\4"), .numbers_at = 1, .digits = STR("abc")}, 8},  /* no such run */
        {{.text = STR("\1"), .numbers_at = 1}, 1},                        /* no such byte */
        {{.text = STR("\2"), .numbers_at = 1}, 1},                        /* no number */
        {{.text = STR("\2\x80\x94\xeb\xdc\x03"), .numbers_at = 1}, 10},   /* 1,000,000,000 */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct metadata_cutting cutting;
        struct metadata_piece piece;
        metadata_cutting_begin(&cutting, &cases[i].split);
        assert_false(metadata_cutting_next(&cutting, cases[i].len, &piece));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_out),
        cmocka_unit_test(test_any_text_comes_back),
        cmocka_unit_test(test_bytes_that_stand_for_something_are_left_alone),
        cmocka_unit_test(test_wrong_parts_are_refused),
        cmocka_unit_test(test_rows_are_cut_and_put_together_in_any_order),
        cmocka_unit_test(test_cuts_where_nothing_ends_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
