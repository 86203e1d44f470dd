#include "infrastructure/activity_store_local/part_format.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/reading.h"

static const uint8_t header_magic[4] = {0xf8, 'U', 'P', PART_FORMAT};
static const uint8_t trailer_magic[4] = {0xf8, 'U', 'E', PART_FORMAT};

enum { MAGIC_BYTES = 4, MAGIC_NAME_BYTES = 3 };

/* Header and trailer ------------------------------------------------------------------------ */

enum { HEADER_STORE_AT = 8, HEADER_NUMBER_AT = 24, HEADER_CRC_AT = PART_HEADER_BYTES - 4 };

void part_header_encode(struct uuid store_id, uint64_t number, uint8_t out[PART_HEADER_BYTES])
{
    memset(out, 0, PART_HEADER_BYTES);
    memcpy(out, header_magic, MAGIC_BYTES);
    memcpy(out + HEADER_STORE_AT, store_id.bytes, UUID_BYTES);
    little_endian_put_u64(out + HEADER_NUMBER_AT, number);
    little_endian_put_u32(out + HEADER_CRC_AT, crc32c(out, HEADER_CRC_AT));
}

enum status part_header_check(const uint8_t bytes[PART_HEADER_BYTES], struct uuid store_id,
                              uint64_t number, struct error *err)
{
    bool whole = little_endian_get_u32(bytes + HEADER_CRC_AT) == crc32c(bytes, HEADER_CRC_AT);
    if (whole && memcmp(bytes, header_magic, MAGIC_NAME_BYTES) == 0 && bytes[3] > PART_FORMAT) {
        return error_set(
            err, STATUS_INVALID, 0,
            "part %llu has format %d, and this version reads up to %d; use a newer one",
            (unsigned long long)number, bytes[3], PART_FORMAT);
    }
    if (!whole || memcmp(bytes, header_magic, MAGIC_BYTES) != 0 ||
        memcmp(bytes + HEADER_STORE_AT, store_id.bytes, UUID_BYTES) != 0 ||
        little_endian_get_u64(bytes + HEADER_NUMBER_AT) != number) {
        return error_set(err, STATUS_CORRUPT, 0,
                         "the file of part %llu does not begin as this part of this store",
                         (unsigned long long)number);
    }
    return STATUS_OK;
}

enum { TRAILER_OFFSET_AT = 8, TRAILER_LENGTH_AT = 16, TRAILER_CRC_AT = PART_TRAILER_BYTES - 4 };

void part_trailer_encode(const struct part_trailer *trailer, uint32_t seed,
                         uint8_t out[PART_TRAILER_BYTES])
{
    memset(out, 0, PART_TRAILER_BYTES);
    memcpy(out, trailer_magic, MAGIC_BYTES);
    little_endian_put_u64(out + TRAILER_OFFSET_AT, trailer->footer.offset);
    little_endian_put_u64(out + TRAILER_LENGTH_AT, trailer->footer.length);
    little_endian_put_u32(out + TRAILER_CRC_AT, crc32c_extend(seed, out, TRAILER_CRC_AT));
}

enum status part_trailer_decode(const uint8_t bytes[PART_TRAILER_BYTES], uint32_t seed,
                                struct part_trailer *out_trailer, struct error *err)
{
    if (memcmp(bytes, trailer_magic, MAGIC_BYTES) != 0 ||
        little_endian_get_u32(bytes + TRAILER_CRC_AT) !=
            crc32c_extend(seed, bytes, TRAILER_CRC_AT)) {
        return error_set(err, STATUS_CORRUPT, 0, "the end of the part is cut off or damaged");
    }
    out_trailer->footer = (struct run_place){
        .offset = little_endian_get_u64(bytes + TRAILER_OFFSET_AT),
        .length = little_endian_get_u64(bytes + TRAILER_LENGTH_AT),
    };
    return STATUS_OK;
}

/* Pieces ------------------------------------------------------------------------------------ */

static void append_signed(struct buffer *bytes, int64_t value)
{
    varint_append(bytes, zigzag(value));
}

static void append_text(struct buffer *bytes, struct str text)
{
    varint_append(bytes, text.len);
    buffer_append_str(bytes, text);
}

static void append_place(struct buffer *bytes, struct run_place place)
{
    varint_append(bytes, place.offset);
    varint_append(bytes, place.length);
}

static void append_range(struct buffer *bytes, struct part_range range)
{
    append_signed(bytes, range.first_ms);
    append_signed(bytes, range.last_ms);
}

static struct run_place read_place(struct reading *reading)
{
    struct run_place place;
    place.offset = reading_below(reading, INT64_MAX);
    place.length = reading_below(reading, UINT32_MAX);
    return place;
}

static struct part_range read_range(struct reading *reading)
{
    struct part_range range;
    range.first_ms = reading_signed(reading);
    range.last_ms = reading_signed(reading);
    return range;
}

/* A text of its own in the arena. */
static struct str read_text(struct reading *reading, struct arena *arena, bool *no_memory)
{
    uint64_t len = reading_below(reading, UINT32_MAX);
    struct str text = reading_text(reading, len);
    if (reading->failed) {
        return STR("");
    }
    struct str copy = arena_copy_str(arena, text);
    *no_memory = *no_memory || copy.data == NULL;
    return copy;
}

/* Room for `count` items of `size`, of which each takes at least one byte of what is left. */
static void *array_of(struct reading *reading, struct arena *arena, uint64_t count, size_t size,
                      bool *no_memory)
{
    if (reading->failed || count > reading_left(reading)) {
        reading->failed = true;
        return NULL;
    }
    void *array = arena_allocate(arena, count == 0 ? 1 : (size_t)count * size);
    *no_memory = *no_memory || array == NULL;
    reading->failed = reading->failed || array == NULL;
    return array;
}

static enum status decoded(const struct reading *reading, bool no_memory, const char *what,
                           struct error *err)
{
    if (no_memory) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the %s of a part", what);
    }
    if (!reading_is_complete(reading)) {
        return error_set(err, STATUS_CORRUPT, 0, "the %s of the part is none", what);
    }
    return STATUS_OK;
}

/* Footer ------------------------------------------------------------------------------------ */

static void append_action(struct buffer *bytes, const struct part_action *action)
{
    uint32_t before = 0;
    append_text(bytes, action->text);
    varint_append(bytes, action->count);
    varint_append(bytes, action->hour_count);
    for (uint32_t i = 0; i < action->hour_count; i++) {
        varint_append(bytes, action->hours[i].hour - before);
        varint_append(bytes, action->hours[i].count);
        before = action->hours[i].hour;
    }
}

void part_footer_encode(const struct part_footer *footer, struct buffer *out_bytes)
{
    varint_append(out_bytes, footer->row_count);
    varint_append(out_bytes, footer->user_count);
    append_range(out_bytes, footer->timestamps);
    append_range(out_bytes, footer->received);
    append_range(out_bytes, footer->id_times);
    append_place(out_bytes, footer->ids);
    append_place(out_bytes, footer->id_firsts);
    append_place(out_bytes, footer->filter);
    append_place(out_bytes, footer->dictionary);
    append_place(out_bytes, footer->directory);
    varint_append(out_bytes, footer->action_count);
    for (uint32_t i = 0; i < footer->action_count; i++) {
        append_action(out_bytes, &footer->actions[i]);
    }
    varint_append(out_bytes, footer->source_count);
    for (uint32_t i = 0; i < footer->source_count; i++) {
        const struct part_source *source = &footer->sources[i];
        buffer_append(out_bytes, source->log_id.bytes, UUID_BYTES);
        append_signed(out_bytes, source->partition);
        append_signed(out_bytes, source->begin);
        append_signed(out_bytes, source->end);
    }
}

static void read_action(struct reading *reading, struct arena *arena, struct part_action *action,
                        bool *no_memory)
{
    uint64_t hour = 0;
    action->text = read_text(reading, arena, no_memory);
    action->count = (uint32_t)reading_below(reading, PART_ROWS_MAX);
    action->hour_count = (uint32_t)reading_below(reading, PART_ROWS_MAX);
    action->hours = array_of(reading, arena, action->hour_count, sizeof *action->hours, no_memory);
    for (uint32_t i = 0; !reading->failed && i < action->hour_count; i++) {
        hour += reading_below(reading, UINT32_MAX - hour);
        action->hours[i].hour = (uint32_t)hour;
        action->hours[i].count = (uint32_t)reading_below(reading, PART_ROWS_MAX);
    }
}

static void read_source(struct reading *reading, struct part_source *source)
{
    const uint8_t *log_id = reading_take(reading, UUID_BYTES);
    if (log_id != NULL) {
        memcpy(source->log_id.bytes, log_id, UUID_BYTES);
    }
    int64_t partition = reading_signed(reading);
    reading->failed = reading->failed || partition < INT32_MIN || partition > INT32_MAX;
    source->partition = reading->failed ? 0 : (int32_t)partition;
    source->begin = reading_signed(reading);
    source->end = reading_signed(reading);
}

enum status part_footer_decode(const uint8_t *bytes, size_t len, struct arena *arena,
                               struct part_footer *out_footer, struct error *err)
{
    struct reading reading = reading_of(bytes, len);
    struct part_footer footer = {0};
    bool no_memory = false;
    footer.row_count = (uint32_t)reading_below(&reading, PART_ROWS_MAX);
    footer.user_count = (uint32_t)reading_below(&reading, PART_ROWS_MAX);
    footer.timestamps = read_range(&reading);
    footer.received = read_range(&reading);
    footer.id_times = read_range(&reading);
    footer.ids = read_place(&reading);
    footer.id_firsts = read_place(&reading);
    footer.filter = read_place(&reading);
    footer.dictionary = read_place(&reading);
    footer.directory = read_place(&reading);
    footer.action_count = (uint32_t)reading_below(&reading, PART_ACTIONS_MAX);
    footer.actions =
        array_of(&reading, arena, footer.action_count, sizeof *footer.actions, &no_memory);
    for (uint32_t i = 0; !reading.failed && i < footer.action_count; i++) {
        read_action(&reading, arena, &footer.actions[i], &no_memory);
    }
    footer.source_count = (uint32_t)reading_below(&reading, PART_SOURCES_MAX);
    footer.sources =
        array_of(&reading, arena, footer.source_count, sizeof *footer.sources, &no_memory);
    for (uint32_t i = 0; !reading.failed && i < footer.source_count; i++) {
        read_source(&reading, &footer.sources[i]);
    }
    enum status status = decoded(&reading, no_memory, "footer", err);
    if (status == STATUS_OK) {
        *out_footer = footer;
    }
    return status;
}

/* Directory --------------------------------------------------------------------------------- */

void part_directory_encode(const struct part_directory *directory, struct buffer *out_bytes)
{
    uint64_t offset = 0;
    int64_t ms = 0;
    varint_append(out_bytes, directory->page_count);
    for (uint32_t i = 0; i < directory->page_count; i++) {
        const struct part_page *page = &directory->pages[i];
        varint_append(out_bytes, page->place.offset - offset);
        varint_append(out_bytes, page->place.columns_length);
        append_signed(out_bytes, page->first_ms - ms);
        append_signed(out_bytes, page->last_ms - page->first_ms);
        buffer_append(out_bytes, &(uint64_t){htole64(page->action_bits)}, sizeof(uint64_t));
        offset = page->place.offset;
        ms = page->last_ms;
    }
    varint_append(out_bytes, directory->names_count);
    offset = 0;
    for (uint32_t i = 0; i < directory->names_count; i++) {
        const struct part_names *names = &directory->names[i];
        varint_append(out_bytes, names->place.offset - offset);
        varint_append(out_bytes, names->place.length);
        append_text(out_bytes, names->first);
        offset = names->place.offset;
    }
}

static void read_pages(struct reading *reading, struct part_directory *directory)
{
    uint64_t offset = 0;
    int64_t ms = 0;
    for (uint32_t i = 0; !reading->failed && i < directory->page_count; i++) {
        struct part_page *page = &directory->pages[i];
        offset += reading_below(reading, INT64_MAX);
        page->place.offset = offset;
        page->place.columns_length = (uint32_t)reading_below(reading, UINT32_MAX);
        ms = (int64_t)((uint64_t)ms + (uint64_t)reading_signed(reading));
        page->first_ms = ms;
        ms = (int64_t)((uint64_t)ms + (uint64_t)reading_signed(reading));
        page->last_ms = ms;
        const uint8_t *bits = reading_take(reading, sizeof page->action_bits);
        page->action_bits = bits == NULL ? 0 : little_endian_get_u64(bits);
    }
}

enum status part_directory_decode(const uint8_t *bytes, size_t len, struct arena *arena,
                                  struct part_directory *out_directory, struct error *err)
{
    struct reading reading = reading_of(bytes, len);
    struct part_directory directory = {0};
    bool no_memory = false;
    directory.page_count = (uint32_t)reading_below(&reading, PART_ROWS_MAX);
    directory.pages =
        array_of(&reading, arena, directory.page_count, sizeof *directory.pages, &no_memory);
    read_pages(&reading, &directory);
    directory.names_count = (uint32_t)reading_below(&reading, PART_ROWS_MAX);
    directory.names =
        array_of(&reading, arena, directory.names_count, sizeof *directory.names, &no_memory);
    uint64_t offset = 0;
    for (uint32_t i = 0; !reading.failed && i < directory.names_count; i++) {
        offset += reading_below(&reading, INT64_MAX);
        directory.names[i].place.offset = offset;
        directory.names[i].place.length = reading_below(&reading, UINT32_MAX);
        directory.names[i].first = read_text(&reading, arena, &no_memory);
    }
    enum status status = decoded(&reading, no_memory, "directory", err);
    if (status == STATUS_OK) {
        *out_directory = directory;
    }
    return status;
}
