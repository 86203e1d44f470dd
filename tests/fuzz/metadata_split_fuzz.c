/*
 * Metadata taken apart and joined again. Each line of the input becomes a row in braces; rows are
 * split together, joined, cut, joined one by one, and put together again in the opposite order.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "infrastructure/activity_store_local/metadata_split.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 64, BYTES_MAX = 1 << 16 };

struct rows {
    struct str items[ROWS_MAX];
    size_t count;
    struct str all; /* one behind the other */
};

static void add_row(struct rows *rows, char *into, const char *line, size_t len)
{
    into[0] = '{';
    memcpy(into + 1, line, len);
    into[len + 1] = '}';
    rows->items[rows->count++] = (struct str){into, len + 2};
    rows->all.len += len + 2;
}

static void make_rows(struct rows *rows, char *into, const char *text, size_t len)
{
    const char *end = text + len;
    *rows = (struct rows){.all = {into, 0}};
    while (text < end && rows->count < ROWS_MAX) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline == NULL ? end : newline;
        add_row(rows, into + rows->all.len, text, (size_t)(line_end - text));
        text = line_end + (newline == NULL ? 0 : 1);
    }
}

static void expect_joined(const struct metadata_split *split, struct str plain, char *into)
{
    ASSERT(split->numbers_at <= split->text.len && split->numbers_at <= plain.len);
    ASSERT(metadata_join(split, into, plain.len) && memcmp(into, plain.data, plain.len) == 0);
}

static struct str put(char **at, struct str text)
{
    struct str copy = {*at, text.len};
    memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

/* The last row first, as pieces and as plain text. */
static void expect_turned(const struct rows *rows, const struct metadata_piece *pieces,
                          struct arena *arena, char *into)
{
    char *plain = arena_allocate(arena, 2 * BYTES_MAX);
    char *text = arena_allocate(arena, 4 * BYTES_MAX);
    struct metadata_split split;
    ASSERT(plain != NULL && text != NULL);
    char *plain_end = plain;
    char *text_end = text;
    for (size_t i = rows->count; i > 0; i--) {
        put(&plain_end, rows->items[i - 1]);
        put(&text_end, pieces[i - 1].text);
    }
    struct str turned = {plain, (size_t)(plain_end - plain)};
    ASSERT(metadata_split(turned, arena, &split));
    expect_joined(&split, turned, into);
    ASSERT(split.numbers_at == (size_t)(text_end - text) &&
           memcmp(text, split.text.data, split.numbers_at) == 0);
}

static void take_apart(const struct rows *rows, struct arena *arena, char *into)
{
    struct metadata_piece pieces[ROWS_MAX];
    struct metadata_cutting cutting;
    struct metadata_split split;
    if (!metadata_split(rows->all, arena, &split)) {
        ASSERT(str_equal(split.text, rows->all));
        return;
    }
    expect_joined(&split, rows->all, into);
    metadata_cutting_begin(&cutting, &split);
    for (size_t i = 0; i < rows->count; i++) {
        struct str row = rows->items[i];
        ASSERT(metadata_cutting_next(&cutting, row.len, &pieces[i]));
        ASSERT(metadata_piece_join(&pieces[i], into, row.len) &&
               memcmp(into, row.data, row.len) == 0);
    }
    ASSERT(metadata_cutting_is_complete(&cutting));
    expect_turned(rows, pieces, arena, into);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char rows_space[2 * BYTES_MAX];
    static char into[2 * BYTES_MAX];
    struct rows rows;
    struct arena arena;
    if (len > BYTES_MAX / 2) {
        return 0;
    }
    arena_init(&arena, (size_t)16 << 20);
    make_rows(&rows, rows_space, (const char *)data, len);
    take_apart(&rows, &arena, into);
    arena_deinit(&arena);
    return 0;
}
