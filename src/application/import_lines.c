#include "application/import_lines.h"

#include "base/assert.h"

#include <stdlib.h>

enum { LINE_END_BYTES_MAX = 2 };

enum status import_lines_init(struct import_lines *lines, struct import_source source,
                              size_t line_bytes_max)
{
    ASSERT(line_bytes_max >= IMPORT_SHOWN_BYTES_MAX);
    size_t capacity = line_bytes_max + LINE_END_BYTES_MAX + IMPORT_READ_BYTES;
    char *data = malloc(capacity + IMPORT_LINE_PADDING_BYTES);
    if (data == NULL) {
        return STATUS_NO_MEMORY;
    }
    *lines = (struct import_lines){
        .source = source, .line_bytes_max = line_bytes_max, .data = data, .capacity = capacity};
    return STATUS_OK;
}

void import_lines_deinit(struct import_lines *lines)
{
    free(lines->data);
    lines->data = NULL;
}

void import_lines_start_at(struct import_lines *lines, uint64_t offset, uint64_t number)
{
    lines->offset = offset;
    lines->number = number;
}

static void move_to_front(struct import_lines *lines)
{
    size_t len = lines->end - lines->begin;
    memmove(lines->data, lines->data + lines->begin, len);
    lines->scanned -= lines->begin;
    lines->begin = 0;
    lines->end = len;
}

static void make_room(struct import_lines *lines)
{
    if (lines->capacity - lines->end < IMPORT_READ_BYTES) {
        move_to_front(lines);
    }
}

static enum status read_more(struct import_lines *lines, struct error *err)
{
    size_t len = 0;
    if (lines->source.read == NULL) {
        return STATUS_BUSY;
    }
    make_room(lines);
    enum status status = lines->source.read(lines->source.context, lines->data + lines->end,
                                            IMPORT_READ_BYTES, &len, err);
    if (status == STATUS_OK) {
        lines->at_end = len == 0;
        lines->end += len;
    }
    return status;
}

size_t import_lines_room(const struct import_lines *lines)
{
    return lines->capacity - (lines->end - lines->begin);
}

void import_lines_push(struct import_lines *lines, struct str data)
{
    ASSERT(lines->source.read == NULL && data.len <= import_lines_room(lines));
    if (lines->capacity - lines->end < data.len) {
        move_to_front(lines);
    }
    memcpy(lines->data + lines->end, data.data, data.len);
    lines->end += data.len;
}

void import_lines_end(struct import_lines *lines)
{
    memset(lines->data + lines->end, 0, IMPORT_LINE_PADDING_BYTES);
    lines->at_end = true;
}

static bool is_blank(struct str text)
{
    size_t at = 0;
    while (at < text.len &&
           (text.data[at] == ' ' || text.data[at] == '\t' || text.data[at] == '\r')) {
        at++;
    }
    return at == text.len;
}

/* Keeps the first bytes and the last one of a line that is too long already, so that the rest
 * passes through: a CR at its end belongs to the end. */
static void drop_rest(struct import_lines *lines)
{
    enum { KEPT = IMPORT_SHOWN_BYTES_MAX + 1 };
    size_t len = lines->end - lines->begin;
    if (len > lines->line_bytes_max + LINE_END_BYTES_MAX - 1 || lines->dropped > 0) {
        lines->dropped_text =
            lines->dropped_text || !is_blank((struct str){lines->data + lines->begin, len});
        lines->data[lines->begin + KEPT - 1] = lines->data[lines->end - 1];
        lines->dropped += len - KEPT;
        lines->end = lines->begin + KEPT;
        lines->scanned = lines->end;
    }
}

/* The offset of the next line's LF; of the end when the last line has none. */
static enum status find_end(struct import_lines *lines, size_t *out_end, struct error *err)
{
    for (;;) {
        const char *found = memchr(lines->data + lines->scanned, '\n', lines->end - lines->scanned);
        if (found != NULL) {
            *out_end = (size_t)(found - lines->data);
            return STATUS_OK;
        }
        lines->scanned = lines->end;
        if (lines->at_end) {
            *out_end = lines->end;
            return lines->end > lines->begin ? STATUS_OK : STATUS_NOT_FOUND;
        }
        drop_rest(lines);
        enum status status = read_more(lines, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

/* Gives out data[begin, end) and moves past its LF. False when it was all white space. */
static bool take_line(struct import_lines *lines, size_t end, struct import_line *out_line)
{
    size_t len = end - lines->begin;
    bool has_end = end < lines->end;
    out_line->text = (struct str){.data = lines->data + lines->begin, .len = len};
    bool has_text = lines->dropped_text || !is_blank(out_line->text);
    out_line->bytes = len + lines->dropped;
    lines->offset += out_line->bytes + has_end;
    lines->begin = end + has_end;
    lines->scanned = lines->begin;
    lines->dropped = 0;
    lines->dropped_text = false;
    if (len > 0 && out_line->text.data[len - 1] == '\r') {
        out_line->text.len--;
        out_line->bytes--;
    }
    out_line->number = ++lines->number;
    out_line->too_long = out_line->bytes > lines->line_bytes_max;
    if (out_line->too_long) {
        out_line->text.len = IMPORT_SHOWN_BYTES_MAX;
    }
    return has_text;
}

enum status import_lines_next(struct import_lines *lines, struct import_line *out_line,
                              struct error *err)
{
    enum status status;
    bool has_text = false;
    do {
        size_t end = 0;
        status = find_end(lines, &end, err);
        if (status == STATUS_OK) {
            has_text = take_line(lines, end, out_line);
        }
    } while (status == STATUS_OK && !has_text);
    return status;
}
