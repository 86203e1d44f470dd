/* Guards the cutting of a stream into lines: the same lines whatever pieces it comes in, every kind
 * of line end, blank and too long lines, and offsets that an import can go on from. */
#include "application/import_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { LINE_MAX = IMPORT_SHOWN_BYTES_MAX + 100 };

/* Gives out a text in pieces; every second time there is nothing yet. */
struct pieces {
    struct str text;
    size_t at;
    size_t piece;
    bool busy_between;
    bool busy_next;
};

static enum status read_piece(void *context, char *into, size_t len, size_t *out_len,
                              struct error *err)
{
    struct pieces *pieces = context;
    (void)err;
    pieces->busy_next = pieces->busy_between && !pieces->busy_next;
    if (pieces->busy_next) {
        return STATUS_BUSY;
    }
    size_t left = pieces->text.len - pieces->at;
    size_t bytes = pieces->piece < left ? pieces->piece : left;
    bytes = bytes < len ? bytes : len;
    memcpy(into, pieces->text.data + pieces->at, bytes);
    pieces->at += bytes;
    *out_len = bytes;
    return STATUS_OK;
}

static void start(struct import_lines *lines, struct pieces *pieces)
{
    const struct import_source source = {read_piece, pieces};
    assert_int_equal(import_lines_init(lines, source, LINE_MAX), STATUS_OK);
}

static enum status next(struct import_lines *lines, struct import_line *out_line)
{
    enum status status;
    do {
        status = import_lines_next(lines, out_line, NULL);
    } while (status == STATUS_BUSY);
    return status;
}

static void expect_line(struct import_lines *lines, const char *text, uint64_t number,
                        uint64_t offset)
{
    struct import_line line;
    assert_int_equal(next(lines, &line), STATUS_OK);
    assert_true(str_equal(line.text, str_from(text)));
    assert_int_equal(line.bytes, strlen(text));
    assert_int_equal(line.number, number);
    assert_false(line.too_long);
    assert_int_equal(lines->offset, offset);
}

static void expect_end(struct import_lines *lines, uint64_t offset)
{
    struct import_line line;
    assert_int_equal(next(lines, &line), STATUS_NOT_FOUND);
    assert_int_equal(next(lines, &line), STATUS_NOT_FOUND);
    assert_int_equal(lines->offset, offset);
}

static void pieces_of_any_size_are_the_same_lines(void **state)
{
    (void)state;
    static const char text[] = "one\ntwo\r\n\n \t\r\nthr\ree\n\nfour";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        struct pieces pieces = {.text = STR(text), .piece = piece, .busy_between = piece % 2 == 0};
        struct import_lines lines;
        start(&lines, &pieces);
        expect_line(&lines, "one", 1, 4);
        expect_line(&lines, "two", 2, 9);
        expect_line(&lines, "thr\ree", 5, 21);
        expect_line(&lines, "four", 7, 26);
        expect_end(&lines, 26);
        import_lines_deinit(&lines);
    }
}

static void a_last_line_may_end_or_not(void **state)
{
    (void)state;
    static const char *const texts[] = {"a\n", "a\r\n", "a", "a\r", "a\n\n \n"};
    static const uint64_t offsets[] = {2, 3, 1, 2, 2};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pieces pieces = {.text = str_from(texts[i]), .piece = 1};
        struct import_lines lines;
        start(&lines, &pieces);
        expect_line(&lines, "a", 1, offsets[i]);
        expect_end(&lines, strlen(texts[i]));
        import_lines_deinit(&lines);
    }
}

static void nothing_has_no_lines(void **state)
{
    (void)state;
    struct pieces pieces = {.text = STR(""), .piece = 1};
    struct import_lines lines;
    start(&lines, &pieces);
    expect_end(&lines, 0);
    import_lines_deinit(&lines);
}

/* A line of `len` letters between two short ones. */
static void check_length(size_t len, bool crlf, bool too_long)
{
    size_t ends = crlf ? 2 : 1;
    size_t total = 2 + len + ends + 1;
    char *text = malloc(total);
    assert_non_null(text);
    memcpy(text, "x\n", 2);
    memset(text + 2, 'l', len);
    memcpy(text + 2 + len, crlf ? "\r\n" : "\n", ends);
    text[total - 1] = 'y';
    for (size_t piece = 1; piece < 3 * IMPORT_READ_BYTES; piece = piece * 7 + 1) {
        struct pieces pieces = {.text = {text, total}, .piece = piece};
        struct import_lines lines;
        struct import_line line;
        start(&lines, &pieces);
        expect_line(&lines, "x", 1, 2);
        assert_int_equal(next(&lines, &line), STATUS_OK);
        assert_int_equal(line.too_long, too_long);
        assert_int_equal(line.bytes, len);
        assert_int_equal(line.text.len, too_long ? IMPORT_SHOWN_BYTES_MAX : len);
        assert_int_equal(line.text.data[line.text.len - 1], 'l');
        assert_int_equal(lines.offset, total - 1);
        expect_line(&lines, "y", 3, total);
        expect_end(&lines, total);
        import_lines_deinit(&lines);
    }
    free(text);
}

static void a_line_that_is_too_long_is_one_line(void **state)
{
    (void)state;
    for (int crlf = 0; crlf < 2; crlf++) {
        check_length(LINE_MAX, crlf, false);
        check_length(LINE_MAX + 1, crlf, true);
        check_length(LINE_MAX + 2, crlf, true);
        check_length(LINE_MAX + 3, crlf, true);
        check_length(3 * IMPORT_READ_BYTES + LINE_MAX, crlf, true);
    }
}

static void a_blank_line_of_any_length_is_passed_over(void **state)
{
    (void)state;
    static const size_t lengths[] = {LINE_MAX, LINE_MAX + 1, LINE_MAX + 3,
                                     3 * IMPORT_READ_BYTES + LINE_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t total = lengths[i] + 2;
        char *text = malloc(total);
        assert_non_null(text);
        memset(text, ' ', lengths[i]);
        memcpy(text + lengths[i], "\ny", 2);
        struct pieces pieces = {.text = {text, total}, .piece = 1000};
        struct import_lines lines;
        struct import_line line;
        start(&lines, &pieces);
        expect_line(&lines, "y", 2, total);
        expect_end(&lines, total);
        import_lines_deinit(&lines);
        text[lengths[i] / 2 + 1] = 'x'; /* one that is not blank is given out */
        pieces.at = 0;
        start(&lines, &pieces);
        assert_int_equal(next(&lines, &line), STATUS_OK);
        assert_int_equal(line.bytes, lengths[i]);
        assert_int_equal(line.too_long, lengths[i] > LINE_MAX);
        expect_line(&lines, "y", 2, total);
        import_lines_deinit(&lines);
        free(text);
    }
}

static void it_counts_on_from_where_it_was_put(void **state)
{
    (void)state;
    struct pieces pieces = {.text = STR("b\nc\n"), .piece = 3};
    struct import_lines lines;
    start(&lines, &pieces);
    import_lines_start_at(&lines, 1000, 17);
    expect_line(&lines, "b", 18, 1002);
    expect_line(&lines, "c", 19, 1004);
    expect_end(&lines, 1004);
    import_lines_deinit(&lines);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_are_the_same_lines),
        cmocka_unit_test(a_last_line_may_end_or_not),
        cmocka_unit_test(nothing_has_no_lines),
        cmocka_unit_test(a_line_that_is_too_long_is_one_line),
        cmocka_unit_test(a_blank_line_of_any_length_is_passed_over),
        cmocka_unit_test(it_counts_on_from_where_it_was_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
