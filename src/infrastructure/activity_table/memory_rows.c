#include "infrastructure/activity_table/memory_rows.h"

#include "base/assert.h"

#include <endian.h>

static struct memory_mark mark_of(int64_t timestamp_ms, struct uuid id, bool is_uuid)
{
    uint64_t start;
    memcpy(&start, id.bytes, sizeof start);
    return (struct memory_mark){
        .timestamp_ms = timestamp_ms,
        .id_start = (be64toh(start) & ~UINT64_C(1)) | (is_uuid ? 1 : 0),
    };
}

struct memory_key memory_key_make(struct activity_key key)
{
    struct memory_key made = {.id = key.id};
    made.is_uuid = uuid_parse(key.id, &made.uuid);
    if (!made.is_uuid) {
        memcpy(made.uuid.bytes, key.id.data, key.id.len < UUID_BYTES ? key.id.len : UUID_BYTES);
    }
    made.mark = mark_of(key.timestamp_ms, made.uuid, made.is_uuid);
    return made;
}

void memory_rows_init(struct memory_rows *rows)
{
    *rows = (struct memory_rows){.free = MEMORY_NONE};
}

static size_t texts_size(size_t id_len, size_t metadata_len)
{
    return offsetof(struct memory_texts, bytes) + id_len + metadata_len;
}

static void texts_free(struct memory_texts *texts, struct memory_pool *pool)
{
    if (texts != NULL) {
        memory_pool_free_text(pool, texts, texts_size(texts->id_len, texts->metadata_len));
    }
}

void memory_rows_deinit(struct memory_rows *rows, struct memory_pool *pool)
{
    for (uint32_t row = 0; !pool->keeps_texts && row < rows->used; row++) {
        if (memory_rows_is_live(rows, row)) {
            texts_free(memory_rows_at(rows, row)->texts, pool);
        }
    }
    for (uint32_t i = 0; i < rows->chunk_count; i++) {
        memory_pool_free(pool, rows->chunks[i], MEMORY_ROWS_IN_CHUNK * sizeof(struct memory_row));
    }
    memory_pool_free(pool, rows->chunks, rows->chunk_capacity * sizeof *rows->chunks);
    memory_rows_init(rows);
}

static bool add_chunk(struct memory_rows *rows, struct memory_pool *pool)
{
    if (rows->chunk_count == UINT32_MAX / MEMORY_ROWS_IN_CHUNK) {
        pool->full = true; /* as many rows as 32 bits can name */
        return false;
    }
    if (rows->chunk_count == rows->chunk_capacity) {
        uint32_t capacity = rows->chunk_capacity == 0 ? 16 : rows->chunk_capacity * 2;
        struct memory_row **chunks = memory_pool_resize(
            pool, rows->chunks, rows->chunk_capacity * sizeof *chunks, capacity * sizeof *chunks);
        if (chunks == NULL) {
            return false;
        }
        rows->chunks = chunks;
        rows->chunk_capacity = capacity;
    }
    struct memory_row *chunk =
        memory_pool_allocate(pool, MEMORY_ROWS_IN_CHUNK * sizeof(struct memory_row));
    if (chunk == NULL) {
        return false;
    }
    rows->chunks[rows->chunk_count++] = chunk;
    return true;
}

/* A record to fill, or MEMORY_NONE. Nothing is taken before take_record. */
static uint32_t next_record(struct memory_rows *rows, struct memory_pool *pool)
{
    if (rows->free != MEMORY_NONE) {
        return rows->free;
    }
    if (rows->used == rows->chunk_count * MEMORY_ROWS_IN_CHUNK && !add_chunk(rows, pool)) {
        return MEMORY_NONE;
    }
    return rows->used;
}

static void take_record(struct memory_rows *rows, uint32_t row)
{
    if (row == rows->free) {
        rows->free = memory_rows_at(rows, row)->action;
    } else {
        rows->used++;
    }
    rows->live++;
}

static struct memory_texts *copy_texts(struct memory_pool *pool, struct str id, struct str metadata)
{
    struct memory_texts *texts = memory_pool_allocate_text(pool, texts_size(id.len, metadata.len));
    if (texts == NULL) {
        return NULL;
    }
    texts->id_len = (uint8_t)id.len;
    texts->metadata_len = (uint32_t)metadata.len;
    if (id.len > 0) {
        memcpy(texts->bytes, id.data, id.len);
    }
    memcpy(texts->bytes + id.len, metadata.data, metadata.len);
    return texts;
}

uint32_t memory_rows_add(struct memory_rows *rows, struct memory_pool *pool,
                         const struct memory_key *key, const struct activity *activity)
{
    ASSERT(activity->id.len <= UINT8_MAX && activity->metadata.len <= UINT32_MAX / 2);
    uint32_t row = next_record(rows, pool);
    if (row == MEMORY_NONE) {
        return MEMORY_NONE;
    }
    struct memory_texts *texts = NULL;
    if (!key->is_uuid || !str_equal(activity->metadata, STR("{}"))) {
        struct str id = key->is_uuid ? STR("") : activity->id;
        texts = copy_texts(pool, id, activity->metadata);
        if (texts == NULL) {
            return MEMORY_NONE;
        }
    }
    take_record(rows, row);
    *memory_rows_at(rows, row) = (struct memory_row){
        .timestamp_ms = activity->timestamp_ms,
        .received_at_ms = activity->received_at_ms,
        .id = key->uuid,
        .texts = texts,
    };
    return row;
}

void memory_rows_release(struct memory_rows *rows, struct memory_pool *pool, uint32_t row)
{
    struct memory_row *record = memory_rows_at(rows, row);
    texts_free(record->texts, pool);
    *record = (struct memory_row){.user = MEMORY_NONE, .action = rows->free};
    rows->free = row;
    rows->live--;
}

static int compare_ids(const struct memory_row *row, const struct memory_key *key)
{
    if (key->is_uuid == memory_row_has_uuid(row)) {
        /* No character of an id is as small as the padding, so what differs here decides. */
        int order = memcmp(row->id.bytes, key->uuid.bytes, UUID_BYTES);
        if (order != 0 || key->is_uuid) {
            return order;
        }
    }
    char of_row[UUID_TEXT_BYTES];
    char of_key[UUID_TEXT_BYTES];
    struct str id = key->id;
    if (id.data == NULL) {
        uuid_format(key->uuid, of_key);
        id = (struct str){.data = of_key, .len = UUID_TEXT_BYTES};
    }
    return str_compare(memory_row_id(row, of_row), id);
}

struct memory_mark memory_row_mark(const struct memory_row *row)
{
    return mark_of(row->timestamp_ms, row->id, memory_row_has_uuid(row));
}

int memory_row_compare(const struct memory_row *row, const struct memory_key *key)
{
    if (row->timestamp_ms != key->mark.timestamp_ms) {
        return row->timestamp_ms < key->mark.timestamp_ms ? -1 : 1;
    }
    return compare_ids(row, key);
}

int memory_rows_compare(const struct memory_rows *rows, uint32_t a, uint32_t b)
{
    const struct memory_row *row = memory_rows_at(rows, a);
    const struct memory_row *other = memory_rows_at(rows, b);
    if (row->timestamp_ms == other->timestamp_ms && memory_row_has_uuid(row) &&
        memory_row_has_uuid(other)) {
        return memcmp(row->id.bytes, other->id.bytes, UUID_BYTES);
    }
    struct memory_key key = memory_row_key(other);
    return memory_row_compare(row, &key);
}

struct str memory_row_id(const struct memory_row *row, char space[UUID_TEXT_BYTES])
{
    if (!memory_row_has_uuid(row)) {
        return (struct str){.data = row->texts->bytes, .len = row->texts->id_len};
    }
    uuid_format(row->id, space);
    return (struct str){.data = space, .len = UUID_TEXT_BYTES};
}

struct str memory_row_metadata(const struct memory_row *row)
{
    if (row->texts == NULL) {
        return STR("{}");
    }
    return (struct str){.data = row->texts->bytes + row->texts->id_len,
                        .len = row->texts->metadata_len};
}

struct memory_key memory_row_key(const struct memory_row *row)
{
    bool is_uuid = memory_row_has_uuid(row);
    return (struct memory_key){
        .mark = mark_of(row->timestamp_ms, row->id, is_uuid),
        .id = is_uuid ? (struct str){0} : memory_row_id(row, NULL),
        .uuid = row->id,
        .is_uuid = is_uuid,
    };
}

bool memory_row_has_id(const struct memory_row *row, const struct memory_key *key)
{
    return compare_ids(row, key) == 0;
}
