#include "infrastructure/activity_store_local/names.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/reading.h"

/* Lists ------------------------------------------------------------------------------------- */

/* The first row, then what lies between each and the next, packed. */
static void append_chunk(struct buffer *bytes, const uint32_t *rows, uint32_t count)
{
    uint8_t packed[LIST_CHUNK_ROWS * sizeof(uint32_t) + BITS_SLACK_BYTES];
    uint64_t between[LIST_CHUNK_ROWS];
    uint64_t most = 0;
    for (uint32_t i = 1; i < count; i++) {
        between[i - 1] = rows[i] - rows[i - 1] - 1;
        most = between[i - 1] > most ? between[i - 1] : most;
    }
    unsigned width = bits_width(most);
    bits_pack(packed, width, between, count - 1, 0);
    buffer_append_char(bytes, (char)(count - 1));
    varint_append(bytes, rows[0]);
    buffer_append_char(bytes, (char)width);
    buffer_append(bytes, packed, bits_bytes(width, count - 1));
}

static enum status write_chunks(struct run_output *output, const struct rows_of_name *name,
                                struct buffer *chunk, struct buffer *index, struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t before = 0;
    for (uint32_t at = 0; status == STATUS_OK && at < name->count; at += LIST_CHUNK_ROWS) {
        uint32_t left = name->count - at;
        struct run_place place;
        buffer_clear(chunk);
        append_chunk(chunk, name->rows + at, left < LIST_CHUNK_ROWS ? left : LIST_CHUNK_ROWS);
        if (chunk->failed != STATUS_OK) {
            return error_set(err, chunk->failed, 0, "there is no memory for a list of a part");
        }
        status = run_output_write(output, chunk->data, chunk->len, &place, err);
        if (status == STATUS_OK) {
            varint_append(index, name->rows[at] - before);
            varint_append(index, place.length);
            before = name->rows[at];
        }
    }
    return status;
}

/* The index lies right behind its chunks and counts their places from its own backwards. */
enum status list_write(struct run_output *output, const struct rows_of_name *name,
                       struct run_place *out_index, struct error *err)
{
    ASSERT(name->count > LIST_INLINE_ROWS);
    struct buffer chunk;
    struct buffer index;
    buffer_init(&chunk, 4096);
    buffer_init(&index, (size_t)64 << 20);
    enum status status = write_chunks(output, name, &chunk, &index, err);
    if (status == STATUS_OK && index.failed != STATUS_OK) {
        status = error_set(err, index.failed, 0, "there is no memory for a list of a part");
    }
    if (status == STATUS_OK) {
        status = run_output_write(output, index.data, index.len, out_index, err);
    }
    buffer_deinit(&chunk);
    buffer_deinit(&index);
    return status;
}

static enum status not_a_list(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "a list of the part is not what its user says");
}

enum status list_index_read(struct reading bytes, struct run_place index, uint32_t count,
                            struct list_chunk *out_chunks, struct error *err)
{
    uint32_t chunks = list_chunk_count(count);
    uint64_t total = 0;
    uint64_t row = 0;
    for (uint32_t i = 0; i < chunks; i++) {
        row += reading_below(&bytes, UINT32_MAX);
        uint64_t length = reading_below(&bytes, UINT32_MAX);
        out_chunks[i] = (struct list_chunk){.first_row = (uint32_t)row,
                                            .place = {.offset = total, .length = length}};
        total += length;
    }
    if (!reading_is_complete(&bytes) || row > UINT32_MAX || total > index.offset) {
        return not_a_list(err);
    }
    for (uint32_t i = 0; i < chunks; i++) {
        out_chunks[i].place.offset += index.offset - total;
    }
    return STATUS_OK;
}

enum status list_chunk_read(struct reading chunk, uint32_t out_rows[LIST_CHUNK_ROWS],
                            uint32_t *out_count, struct error *err)
{
    uint32_t count = (uint32_t)reading_u8(&chunk) + 1;
    uint64_t row = reading_below(&chunk, UINT32_MAX);
    unsigned width = reading_u8(&chunk);
    const uint8_t *packed = NULL;
    if (count <= LIST_CHUNK_ROWS && width <= 32) {
        packed = reading_take(&chunk, bits_bytes(width, count - 1));
    }
    if (packed == NULL || !reading_is_complete(&chunk)) {
        return not_a_list(err);
    }
    out_rows[0] = (uint32_t)row;
    for (uint32_t i = 1; i < count; i++) {
        row += 1 + (width == 0 ? 0 : bits_get(packed, width, i - 1));
        out_rows[i] = (uint32_t)row;
    }
    if (row > UINT32_MAX) {
        return not_a_list(err);
    }
    *out_count = count;
    return STATUS_OK;
}

/* Blocks ------------------------------------------------------------------------------------ */

void name_block_init(struct name_block *block)
{
    *block = (struct name_block){0};
    buffer_init(&block->bytes, (size_t)1 << 20);
}

void name_block_deinit(struct name_block *block)
{
    buffer_deinit(&block->bytes);
}

static size_t shared_front(const struct name_block *block, struct str text)
{
    size_t most = block->last_len < text.len ? block->last_len : text.len;
    size_t len = 0;
    while (len < most && block->last[len] == text.data[len]) {
        len++;
    }
    return len;
}

void name_block_add(struct name_block *block, const struct rows_of_name *name,
                    struct run_place index)
{
    ASSERT(block->count < NAMES_IN_BLOCK && name->text.len <= NAME_BYTES_MAX && name->count >= 1);
    struct buffer *bytes = &block->bytes;
    size_t shared = shared_front(block, name->text);
    varint_append(bytes, shared);
    varint_append(bytes, name->text.len - shared);
    buffer_append(bytes, name->text.data + shared, name->text.len - shared);
    varint_append(bytes, name->count);
    if (name->count > LIST_INLINE_ROWS) {
        varint_append(bytes, index.offset);
        varint_append(bytes, index.length);
    } else {
        uint32_t before = 0;
        for (uint32_t i = 0; i < name->count; i++) {
            varint_append(bytes, name->rows[i] - before);
            before = name->rows[i];
        }
    }
    memcpy(block->last + shared, name->text.data + shared, name->text.len - shared);
    block->last_len = name->text.len;
    block->count++;
}

static void read_text(struct name_reading *name)
{
    uint64_t shared = reading_below(&name->bytes, name->text_len);
    uint64_t rest = reading_below(&name->bytes, NAME_BYTES_MAX - shared);
    const uint8_t *bytes = reading_take(&name->bytes, rest);
    if (bytes != NULL) {
        memcpy(name->text + shared, bytes, rest);
        name->text_len = (size_t)(shared + rest);
    }
}

static void read_rows(struct name_reading *name, struct name_found *found)
{
    struct reading *bytes = &name->bytes;
    uint64_t row = 0;
    found->count = (uint32_t)reading_below(bytes, UINT32_MAX);
    if (found->count > LIST_INLINE_ROWS) {
        found->index.offset = reading_varint(bytes);
        found->index.length = reading_below(bytes, UINT32_MAX);
        return;
    }
    for (uint32_t i = 0; i < found->count; i++) {
        row += reading_below(bytes, UINT32_MAX);
        found->rows[i] = (uint32_t)row;
    }
}

static enum status not_a_block(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "a block of users of the part is none");
}

enum status name_reading_next(struct name_reading *name, struct name_found *found,
                              struct error *err)
{
    read_text(name);
    read_rows(name, found);
    return name->bytes.failed ? not_a_block(err) : STATUS_OK;
}

enum status name_block_find(struct reading block, struct str text, struct name_found *out_found,
                            struct error *err)
{
    struct name_reading name;
    name_reading_begin(&name, block);
    for (uint32_t number = 0; name.bytes.at < name.bytes.end; number++) {
        struct name_found found = {.number = number};
        enum status status = name_reading_next(&name, &found, err);
        if (status != STATUS_OK) {
            return status;
        }
        int order = str_compare(name_reading_text(&name), text);
        if (order == 0) {
            *out_found = found;
            return STATUS_OK;
        }
        if (order > 0) {
            break;
        }
    }
    return STATUS_NOT_FOUND;
}

/* The text only. What follows it is passed over: a list of rows inside, or the two numbers that
 * say where it is. */
static enum status skip_name(struct name_reading *name, struct error *err)
{
    read_text(name);
    uint64_t count = reading_below(&name->bytes, UINT32_MAX);
    reading_skip_varints(&name->bytes, count > LIST_INLINE_ROWS ? 2 : (uint32_t)count);
    return name->bytes.failed ? not_a_block(err) : STATUS_OK;
}

enum status name_block_text(struct reading block, uint32_t number, char space[NAME_BYTES_MAX],
                            struct str *out_text, struct error *err)
{
    struct name_reading name;
    enum status status = STATUS_OK;
    name_reading_begin(&name, block);
    for (uint32_t i = 0; status == STATUS_OK && i <= number; i++) {
        status = skip_name(&name, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    memcpy(space, name.text, name.text_len);
    *out_text = (struct str){.data = space, .len = name.text_len};
    return STATUS_OK;
}
