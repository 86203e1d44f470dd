/*
 * The pieces of a part as they come out of their runs: page, footer, directory, block of users,
 * index and chunk of a list. The first byte of the input says which. A whole part hides them from a
 * fuzzer, since one byte more in a piece moves all that stands behind it.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "infrastructure/activity_store_local/names.h"
#include "infrastructure/activity_store_local/part_format.h"

#include <stdlib.h>

enum { PIECE_COUNT = 6, CHUNKS_MAX = 64 };

static void expect_status(enum status status)
{
    ASSERT(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_NOT_FOUND);
}

static uint64_t read_numbers(const struct page *page, uint32_t row)
{
    return (uint64_t)page_received_at(page, row) + page_user(page, row) + page_action(page, row);
}

/* Rows of any page that is taken for one can be read, whatever they say, and always say the same.
 */
static void read_page(const uint8_t *bytes, size_t len)
{
    struct page page;
    char space[PAGE_ID_BYTES];
    uint32_t ends[PAGE_BLOCK_ROWS];
    if (page_open(&page, bytes, len, NULL) != STATUS_OK) {
        return;
    }
    for (uint32_t row = 0; row < page.count; row++) {
        struct str id = page_id(&page, row, space);
        ASSERT(id.len >= 1 && id.len <= PAGE_ID_BYTES);
        ASSERT(row == 0 || page.timestamps[row - 1] <= page.timestamps[row]);
        uint64_t numbers = read_numbers(&page, row);
        ASSERT(read_numbers(&page, row) == numbers);
        struct run_place block = page_block(&page, row);
        ASSERT(block.offset + block.length <= UINT32_MAX);
        if (row % PAGE_BLOCK_ROWS == 0) {
            size_t metadata = page_metadata_ends(&page, row, ends);
            ASSERT(metadata <= (size_t)PAGE_BLOCK_BYTES_MAX + 1);
        }
    }
}

static void read_footer(const uint8_t *bytes, size_t len)
{
    struct arena arena;
    struct part_footer footer;
    arena_init(&arena, (size_t)64 << 20);
    enum status status = part_footer_decode(bytes, len, &arena, &footer, NULL);
    expect_status(status);
    if (status == STATUS_OK) {
        struct buffer again;
        buffer_init(&again, (size_t)64 << 20);
        part_footer_encode(&footer, &again);
        ASSERT(again.len == len && memcmp(again.data, bytes, len) == 0);
        buffer_deinit(&again);
    }
    arena_deinit(&arena);
}

static void read_directory(const uint8_t *bytes, size_t len)
{
    struct arena arena;
    struct part_directory directory;
    arena_init(&arena, (size_t)64 << 20);
    expect_status(part_directory_decode(bytes, len, &arena, &directory, NULL));
    arena_deinit(&arena);
}

static void read_names(const uint8_t *bytes, size_t len)
{
    struct name_reading names;
    struct name_found found = {0};
    char space[NAME_BYTES_MAX];
    struct str text;
    uint32_t number = 0;
    enum status status = STATUS_OK;
    name_reading_begin(&names, reading_of(bytes, len));
    while (status == STATUS_OK && number <= NAMES_IN_BLOCK) {
        status = name_reading_next(&names, &found, NULL);
        expect_status(status);
        if (status == STATUS_OK) {
            ASSERT(name_reading_text(&names).len <= NAME_BYTES_MAX);
            expect_status(
                name_block_find(reading_of(bytes, len), name_reading_text(&names), &found, NULL));
            expect_status(name_block_text(reading_of(bytes, len), number, space, &text, NULL));
        }
        number++;
    }
}

static void read_index(const uint8_t *bytes, size_t len)
{
    struct list_chunk chunks[CHUNKS_MAX];
    const struct run_place place = {.offset = 5000, .length = len + RUN_CRC_BYTES};
    for (uint32_t count = 1; count <= CHUNKS_MAX; count++) {
        expect_status(
            list_index_read(reading_of(bytes, len), place, count * LIST_CHUNK_ROWS, chunks, NULL));
    }
}

static void read_chunk(const uint8_t *bytes, size_t len)
{
    uint32_t rows[LIST_CHUNK_ROWS];
    uint32_t count = 0;
    enum status status = list_chunk_read(reading_of(bytes, len), rows, &count, NULL);
    expect_status(status);
    ASSERT(status != STATUS_OK || count <= LIST_CHUNK_ROWS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const pieces[PIECE_COUNT])(const uint8_t *bytes, size_t len) = {
        read_page, read_footer, read_directory, read_names, read_index, read_chunk};
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = (uint8_t *)fuzz_copy(data + 1, size - 1, BITS_SLACK_BYTES);
    pieces[data[0] % PIECE_COUNT](bytes, size - 1);
    free(bytes);
    return 0;
}
