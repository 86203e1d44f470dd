/* Any bytes as lines that are pushed: in whatever pieces they come, the same lines are found, each
 * with its number and length, and read in place none is looked at beyond its end. The first byte
 * chooses the size of the pieces. */
#include "application/import_lines.h"
#include "base/assert.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES_MAX = 1024, FOUND_MAX = 4096 };

struct found_line {
    uint64_t number;
    uint64_t bytes;
    bool too_long;
    uint64_t hash;
};

struct found_lines {
    struct found_line items[FOUND_MAX];
    size_t count;
};

static uint64_t hash_of(struct str text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    }
    return hash;
}

/* As many as there are; what a reader in place does to a line is done to it. */
static void take_lines(struct import_lines *lines, struct found_lines *out_found)
{
    struct import_line line;
    struct error err;
    while (out_found->count < FOUND_MAX && import_lines_next(lines, &line, &err) == STATUS_OK) {
        out_found->items[out_found->count++] = (struct found_line){
            line.number, line.bytes, line.too_long, line.too_long ? 0 : hash_of(line.text)};
        if (!line.too_long) {
            memset((char *)(uintptr_t)line.text.data, 'x', line.text.len);
            ((char *)(uintptr_t)line.text.data)[line.text.len] = '\0';
        }
    }
}

static struct found_lines *split(const char *data, size_t len, size_t piece)
{
    struct import_lines lines;
    struct found_lines *found = calloc(1, sizeof *found);
    enum status status = import_lines_init(&lines, (struct import_source){0}, LINE_BYTES_MAX);
    ASSERT(status == STATUS_OK && found != NULL);
    for (size_t at = 0; at < len; at += piece) {
        size_t part = len - at < piece ? len - at : piece;
        ASSERT(import_lines_room(&lines) >= part || found->count == FOUND_MAX);
        if (import_lines_room(&lines) < part) {
            break;
        }
        import_lines_push(&lines, (struct str){data + at, part});
        take_lines(&lines, found);
    }
    import_lines_end(&lines);
    take_lines(&lines, found);
    import_lines_deinit(&lines);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    struct found_lines *large = split(text, size - 1, IMPORT_READ_BYTES);
    struct found_lines *small = split(text, size - 1, 1 + (size_t)data[0]);
    ASSERT(large->count == small->count);
    ASSERT(memcmp(large->items, small->items, large->count * sizeof large->items[0]) == 0);
    free(large);
    free(small);
    return 0;
}
