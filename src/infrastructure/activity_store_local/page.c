#include "infrastructure/activity_store_local/page.h"

#include "base/assert.h"
#include "base/little_endian.h"
#include "domain/activity_id.h"
#include "infrastructure/activity_store_local/reading.h"

enum id_kind { ID_UUID_7, ID_UUID_OTHER, ID_TEXT };

/* What the column of the time of receipt counts from, whichever makes it narrower: the milliseconds
 * in the id (or the timestamp, where it has none), as with ids that are made here, or nothing, as
 * with activities of the past that came all at once. */
enum received_from { RECEIVED_FROM_ID, RECEIVED_FROM_ZERO };

enum {
    FRACTION_BITS = 12,
    RANDOM_BITS = 62,
    SALT_BYTES = sizeof(uint64_t),
    SALTED =
        2 /* beside received_from: the texts of ids have salts; those of the first pages had none */
};

/* Ids --------------------------------------------------------------------------------------- */

/* An id taken apart, as the columns keep it. */
struct id_parts {
    enum id_kind kind;
    int64_t ms;
    uint64_t fraction;
    uint64_t random;
    struct uuid uuid;
};

static uint64_t big_endian_at(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void put_big_endian(uint8_t *bytes, size_t len, uint64_t value)
{
    for (size_t i = len; i > 0; i--, value >>= 8) {
        bytes[i - 1] = (uint8_t)value;
    }
}

static struct id_parts id_take_apart(const struct page_row *row)
{
    struct id_parts parts = {.kind = ID_TEXT};
    if (row->uuid != NULL) {
        parts.uuid = *row->uuid;
    } else if (!uuid_parse(row->activity->id, &parts.uuid)) {
        return parts;
    }
    const uint8_t *bytes = parts.uuid.bytes;
    bool version_7 = uuid_is_version_7(parts.uuid);
    parts.kind = version_7 ? ID_UUID_7 : ID_UUID_OTHER;
    if (version_7) {
        parts.ms = activity_id_time_ms(parts.uuid);
        parts.fraction = big_endian_at(bytes + 6, 2) & 0xfff;
        parts.random = big_endian_at(bytes + 8, 8) & ((UINT64_C(1) << RANDOM_BITS) - 1);
    }
    return parts;
}

static struct uuid id_put_together(int64_t ms, uint64_t fraction, uint64_t random)
{
    struct uuid uuid;
    put_big_endian(uuid.bytes, 6, (uint64_t)ms);
    put_big_endian(uuid.bytes + 6, 2, 0x7000 | fraction);
    put_big_endian(uuid.bytes + 8, 8, UINT64_C(2) << RANDOM_BITS | random);
    return uuid;
}

/* Writing ----------------------------------------------------------------------------------- */

/* What the columns of a page hold before they are packed. */
struct page_values {
    uint64_t of[COLUMN_COUNT][PAGE_ROWS];
    struct buffer id_texts;
    enum received_from received_from;
};

static void fill_id(struct page_values *values, size_t row, const struct page_row *from)
{
    const struct activity *activity = from->activity;
    struct id_parts id = id_take_apart(from);
    int64_t received_from = id.kind == ID_UUID_7 ? id.ms : activity->timestamp_ms;
    values->of[COLUMN_ID_KIND][row] = id.kind;
    values->of[COLUMN_ID_MS][row] =
        id.kind == ID_UUID_7 ? (uint64_t)(id.ms - activity->timestamp_ms) : 0;
    values->of[COLUMN_ID_FRACTION][row] = id.fraction;
    values->of[COLUMN_ID_RANDOM][row] = id.random;
    if (id.kind != ID_UUID_7) {
        buffer_append(&values->id_texts, &(uint64_t){htole64(from->salt)}, SALT_BYTES);
    }
    if (id.kind == ID_UUID_OTHER) {
        buffer_append(&values->id_texts, id.uuid.bytes, UUID_BYTES);
    } else if (id.kind == ID_TEXT) {
        buffer_append_str(&values->id_texts, activity->id);
    }
    values->of[COLUMN_ID_TEXT_END][row] = values->id_texts.len;
    values->of[COLUMN_RECEIVED_AT][row] = (uint64_t)(activity->received_at_ms - received_from);
}

/* How many bits tell the values apart, taken as signed. */
static unsigned column_width(const uint64_t *values, size_t count, int64_t *out_least)
{
    int64_t least = (int64_t)values[0];
    int64_t most = least;
    for (size_t i = 1; i < count; i++) {
        int64_t value = (int64_t)values[i];
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    *out_least = least;
    return bits_width((uint64_t)most - (uint64_t)least);
}

static void choose_received_from(struct page_values *values, const struct page_row *rows,
                                 size_t count)
{
    uint64_t absolute[PAGE_ROWS] = {0};
    int64_t least;
    for (size_t i = 0; i < count; i++) {
        absolute[i] = (uint64_t)rows[i].activity->received_at_ms;
    }
    unsigned width = column_width(values->of[COLUMN_RECEIVED_AT], count, &least);
    if (column_width(absolute, count, &least) < width) {
        values->received_from = RECEIVED_FROM_ZERO;
        memcpy(values->of[COLUMN_RECEIVED_AT], absolute, count * sizeof absolute[0]);
    }
}

static void fill_values(struct page_values *values, const struct page_row *rows, size_t count)
{
    buffer_init(&values->id_texts, (size_t)PAGE_ROWS * (SALT_BYTES + PAGE_ID_BYTES));
    for (size_t i = 0; i < count; i++) {
        const struct activity *activity = rows[i].activity;
        fill_id(values, i, &rows[i]);
        int64_t before = i == 0 ? activity->timestamp_ms : rows[i - 1].activity->timestamp_ms;
        values->of[COLUMN_BETWEEN][i] = (uint64_t)activity->timestamp_ms - (uint64_t)before;
        values->of[COLUMN_SOURCE][i] = rows[i].source;
        values->of[COLUMN_OFFSET][i] = (uint64_t)rows[i].offset;
        values->of[COLUMN_USER][i] = rows[i].user;
        values->of[COLUMN_ACTION][i] = rows[i].action;
        values->of[COLUMN_METADATA_BYTES][i] = activity->metadata.len;
    }
    choose_received_from(values, rows, count);
}

/* Values differ from the least of them by what the packed bits say. */
static void append_column(struct buffer *bytes, const uint64_t *values, size_t count)
{
    uint8_t packed[PAGE_ROWS * sizeof(uint64_t) + BITS_SLACK_BYTES];
    int64_t least;
    unsigned width = column_width(values, count, &least);
    bits_pack(packed, width, values, count, (uint64_t)least);
    varint_append(bytes, zigzag(least));
    buffer_append_char(bytes, (char)width);
    buffer_append(bytes, packed, bits_bytes(width, count));
}

struct blocks {
    struct str encoded[PAGE_BLOCKS];
    size_t count;
};

static enum status encode_blocks(struct page_codec *codec, const struct page_row *rows,
                                 size_t count, struct arena *scratch, struct blocks *blocks)
{
    blocks->count = 0;
    for (size_t at = 0; at < count; at += PAGE_BLOCK_ROWS) {
        size_t len = count - at < PAGE_BLOCK_ROWS ? count - at : PAGE_BLOCK_ROWS;
        enum status status =
            page_block_encode(codec, rows + at, len, scratch, &blocks->encoded[blocks->count++]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static void append_columns(struct buffer *bytes, const struct page_row *rows, size_t count,
                           const struct blocks *blocks)
{
    struct page_values values;
    values.received_from = RECEIVED_FROM_ID;
    fill_values(&values, rows, count);
    varint_append(bytes, count);
    for (size_t i = 0; i < blocks->count; i++) {
        varint_append(bytes, blocks->encoded[i].len + RUN_CRC_BYTES);
    }
    varint_append(bytes, values.id_texts.len);
    varint_append(bytes, zigzag(rows[0].activity->timestamp_ms));
    buffer_append_char(bytes, (char)(values.received_from | SALTED));
    for (int column = 0; column < COLUMN_COUNT; column++) {
        append_column(bytes, values.of[column], count);
    }
    buffer_append_str(bytes, buffer_str(&values.id_texts));
    if (values.id_texts.failed != STATUS_OK) {
        bytes->failed = values.id_texts.failed;
    }
    buffer_deinit(&values.id_texts);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a page of a part");
}

enum status page_write(const struct page_writer *writer, const struct page_row *rows, size_t count,
                       struct page_place *out_place, struct error *err)
{
    struct run_output *output = writer->output;
    ASSERT(count >= 1 && count <= PAGE_ROWS);
    struct blocks blocks;
    if (encode_blocks(writer->codec, rows, count, writer->scratch, &blocks) != STATUS_OK) {
        return no_memory(err);
    }
    struct buffer columns;
    buffer_init(&columns, (size_t)1 << 20);
    append_columns(&columns, rows, count, &blocks);
    struct run_place place = {0};
    enum status status = columns.failed == STATUS_OK
                             ? run_output_write(output, columns.data, columns.len, &place, err)
                             : no_memory(err);
    buffer_deinit(&columns);
    struct page_place page = {.offset = place.offset, .columns_length = (uint32_t)place.length};
    for (size_t i = 0; status == STATUS_OK && i < blocks.count; i++) {
        status =
            run_output_write(output, blocks.encoded[i].data, blocks.encoded[i].len, &place, err);
    }
    if (status == STATUS_OK) {
        *out_place = page;
    }
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

static enum status not_a_page(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "a page of the part holds what is no page");
}

static void read_block_ends(struct reading *reading, struct page *page)
{
    uint64_t end = 0;
    for (uint32_t row = 0; row < page->count; row += PAGE_BLOCK_ROWS) {
        end += reading_below(reading, UINT32_MAX / (2 * PAGE_BLOCKS));
        page->block_ends[row / PAGE_BLOCK_ROWS] = (uint32_t)end;
    }
}

static void read_column(struct reading *reading, struct page *page, enum page_column column)
{
    struct packed_column *packed = &page->columns[column];
    packed->base = (uint64_t)reading_signed(reading);
    packed->width = reading_u8(reading);
    if (packed->width > 64) {
        reading->failed = true;
        return;
    }
    packed->bits = reading_take(reading, bits_bytes(packed->width, page->count));
}

/* Texts of ids must lie one behind the other inside of them. */
static bool ids_are_sound(const struct page *page)
{
    uint64_t end = 0;
    for (uint32_t row = 0; row < page->count; row++) {
        uint64_t kind = page_value(page, COLUMN_ID_KIND, row);
        uint64_t next = page_value(page, COLUMN_ID_TEXT_END, row);
        if (kind > ID_TEXT || next < end || next > page->id_texts.len) {
            return false;
        }
        uint64_t len = next - end;
        uint64_t salt = page->salt_bytes;
        bool fits = kind == ID_UUID_7       ? len == 0
                    : kind == ID_UUID_OTHER ? len == salt + UUID_BYTES
                                            : len > salt && len <= salt + PAGE_ID_BYTES;
        if (!fits) {
            return false;
        }
        end = next;
    }
    return end == page->id_texts.len;
}

/* False when they do not rise. */
static bool add_up_timestamps(struct page *page, int64_t first_ms)
{
    int64_t ms = first_ms;
    for (uint32_t row = 0; row < page->count; row++) {
        uint64_t between = page_value(page, COLUMN_BETWEEN, row);
        if (between > (uint64_t)INT64_MAX - (uint64_t)(ms < 0 ? 0 : ms)) {
            return false;
        }
        ms += (int64_t)between;
        page->timestamps[row] = ms;
    }
    return true;
}

enum status page_open(struct page *page, const uint8_t *bytes, size_t len, struct error *err)
{
    struct reading reading = reading_of(bytes, len);
    page->count = (uint32_t)reading_below(&reading, PAGE_ROWS);
    if (page->count == 0) {
        return not_a_page(err);
    }
    read_block_ends(&reading, page);
    uint64_t id_text_bytes = reading_varint(&reading);
    int64_t first_ms = reading_signed(&reading);
    uint8_t kept = (uint8_t)reading_below(&reading, RECEIVED_FROM_ZERO | SALTED);
    page->received_from = kept % SALTED;
    page->salt_bytes = kept >= SALTED ? SALT_BYTES : 0;
    for (int column = 0; column < COLUMN_COUNT; column++) {
        read_column(&reading, page, (enum page_column)column);
    }
    page->id_texts = reading_text(&reading, id_text_bytes);
    if (!reading_is_complete(&reading) || !ids_are_sound(page) ||
        !add_up_timestamps(page, first_ms)) {
        return not_a_page(err);
    }
    return STATUS_OK;
}

/* The milliseconds in an id that is a UUIDv7. Differences wrap around, as they do when they are
 * written: no page is taken for one that breaks the arithmetic of its reader. */
static uint64_t id_ms(const struct page *page, uint32_t row)
{
    return (uint64_t)page->timestamps[row] + page_value(page, COLUMN_ID_MS, row);
}

int64_t page_received_at(const struct page *page, uint32_t row)
{
    uint64_t from = 0;
    if (page->received_from == RECEIVED_FROM_ID) {
        bool has_ms = page_value(page, COLUMN_ID_KIND, row) == ID_UUID_7;
        from = has_ms ? id_ms(page, row) : (uint64_t)page->timestamps[row];
    }
    return (int64_t)(from + page_value(page, COLUMN_RECEIVED_AT, row));
}

static size_t id_text_begin(const struct page *page, uint32_t row)
{
    return row == 0 ? 0 : (size_t)page_value(page, COLUMN_ID_TEXT_END, row - 1);
}

uint64_t page_salt(const struct page *page, uint32_t row)
{
    if (page->salt_bytes == 0 || page_value(page, COLUMN_ID_KIND, row) == ID_UUID_7) {
        return 0;
    }
    return little_endian_get_u64((const uint8_t *)page->id_texts.data + id_text_begin(page, row));
}

/* The bytes of an id that is no UUIDv7. */
static struct str id_text(const struct page *page, uint32_t row)
{
    size_t from = id_text_begin(page, row) + page->salt_bytes;
    size_t to = (size_t)page_value(page, COLUMN_ID_TEXT_END, row);
    return (struct str){.data = page->id_texts.data + from, .len = to - from};
}

bool page_uuid(const struct page *page, uint32_t row, struct uuid *out_uuid)
{
    uint64_t kind = page_value(page, COLUMN_ID_KIND, row);
    if (kind == ID_UUID_7) {
        *out_uuid =
            id_put_together((int64_t)id_ms(page, row), page_value(page, COLUMN_ID_FRACTION, row),
                            page_value(page, COLUMN_ID_RANDOM, row));
    } else if (kind == ID_UUID_OTHER) {
        memcpy(out_uuid->bytes, id_text(page, row).data, UUID_BYTES);
    }
    return kind != ID_TEXT;
}

struct str page_id(const struct page *page, uint32_t row, char space[PAGE_ID_BYTES])
{
    struct uuid uuid;
    if (!page_uuid(page, row, &uuid)) {
        return id_text(page, row);
    }
    uuid_format(uuid, space);
    return (struct str){.data = space, .len = UUID_TEXT_BYTES};
}

struct run_place page_block(const struct page *page, uint32_t row)
{
    uint32_t block = row / PAGE_BLOCK_ROWS;
    uint32_t from = block == 0 ? 0 : page->block_ends[block - 1];
    return (struct run_place){.offset = from, .length = page->block_ends[block] - from};
}

size_t page_metadata_ends(const struct page *page, uint32_t row, uint32_t out_ends[PAGE_BLOCK_ROWS])
{
    uint32_t first = row - row % PAGE_BLOCK_ROWS;
    uint32_t end = first + PAGE_BLOCK_ROWS < page->count ? first + PAGE_BLOCK_ROWS : page->count;
    uint64_t bytes = 0;
    for (uint32_t i = first; i < end; i++) {
        uint64_t len = page_value(page, COLUMN_METADATA_BYTES, i);
        if (len > PAGE_BLOCK_BYTES_MAX - bytes) {
            return (size_t)PAGE_BLOCK_BYTES_MAX + 1;
        }
        bytes += len;
        out_ends[i - first] = (uint32_t)bytes;
    }
    return (size_t)bytes;
}
