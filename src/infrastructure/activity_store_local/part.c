#include "infrastructure/activity_store_local/part.h"

#include "base/assert.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/name_cache.h"

#include <stdlib.h>

#define PART_META_BYTES_MAX ((size_t)1 << 30) /* what a part may keep in memory */

struct part {
    struct disk_file *file;
    struct part_name name;
    uint32_t seed;
    uint64_t size;
    struct arena arena; /* of footer and directory */
    struct part_footer footer;
    struct part_directory directory;
    uint8_t *filter;
    size_t filter_bytes;
    uint32_t *id_firsts;
    uint8_t *dictionary;
    size_t dictionary_bytes;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read a part");
}

enum status part_corrupt(const struct part *part, const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "part %llu: %s", (unsigned long long)part->name.number,
                     what);
}

/* A run knows where it stands, but not of which part it is. */
static enum status read_run(const struct part *part, struct run_place place, uint8_t *into,
                            struct error *err)
{
    struct error why = {0};
    enum status status = run_read(part->file, part->seed, place, into, &why);
    if (status == STATUS_CORRUPT) {
        return part_corrupt(part, why.message, err);
    }
    if (status != STATUS_OK && err != NULL) {
        *err = why;
    }
    return status;
}

/* Whether a place that was read from the file can be a run of it. */
static bool lies_in_file(const struct part *part, struct run_place place)
{
    return place.length >= RUN_CRC_BYTES && place.offset <= part->size &&
           place.length <= part->size - place.offset;
}

/* Reads a run into new memory with slack behind; its length without the CRC. */
static enum status read_new(const struct part *part, struct run_place place, uint8_t **out_bytes,
                            size_t *out_len, struct error *err)
{
    if (!lies_in_file(part, place)) {
        return part_corrupt(part, "a section does not lie in the file", err);
    }
    uint8_t *bytes = malloc((size_t)place.length + BITS_SLACK_BYTES);
    if (bytes == NULL) {
        return no_memory(err);
    }
    memset(bytes + place.length, 0, BITS_SLACK_BYTES);
    enum status status = read_run(part, place, bytes, err);
    if (status != STATUS_OK) {
        free(bytes);
        return status;
    }
    *out_bytes = bytes;
    *out_len = (size_t)place.length - RUN_CRC_BYTES;
    return STATUS_OK;
}

/* Opening ----------------------------------------------------------------------------------- */

static enum status read_exactly(struct part *part, uint64_t offset, uint8_t *into, size_t len,
                                struct error *err)
{
    size_t present = 0;
    struct iovec parts = {.iov_base = into, .iov_len = len};
    enum status status = disk_file_read(part->file, offset, parts, &present, err);
    if (status == STATUS_OK && present != len) {
        return part_corrupt(part, "the file is too short", err);
    }
    return status;
}

static enum status read_ends(struct part *part, struct part_trailer *out_trailer, struct error *err)
{
    uint8_t header[PART_HEADER_BYTES];
    uint8_t trailer[PART_TRAILER_BYTES];
    if (part->size < PART_HEADER_BYTES + PART_TRAILER_BYTES) {
        return part_corrupt(part, "the file is too short", err);
    }
    enum status status = read_exactly(part, 0, header, sizeof header, err);
    if (status == STATUS_OK) {
        status = part_header_check(header, part->name.store_id, part->name.number, err);
    }
    if (status == STATUS_OK) {
        status = read_exactly(part, part->size - PART_TRAILER_BYTES, trailer, sizeof trailer, err);
    }
    if (status == STATUS_OK &&
        part_trailer_decode(trailer, part->seed, out_trailer, NULL) != STATUS_OK) {
        status = part_corrupt(part, "its end is cut off or damaged", err);
    }
    return status;
}

static enum status read_footer(struct part *part, struct run_place place, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (place.offset + place.length + PART_TRAILER_BYTES != part->size) {
        return part_corrupt(part, "the footer is not at its place", err);
    }
    enum status status = read_new(part, place, &bytes, &len, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = part_footer_decode(bytes, len, &part->arena, &part->footer, err);
    free(bytes);
    return status;
}

static enum status read_directory(struct part *part, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum status status = read_new(part, part->footer.directory, &bytes, &len, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = part_directory_decode(bytes, len, &part->arena, &part->directory, err);
    free(bytes);
    return status;
}

static enum status read_id_sections(struct part *part, struct error *err)
{
    uint8_t *firsts = NULL;
    size_t len = 0;
    enum status status =
        read_new(part, part->footer.filter, &part->filter, &part->filter_bytes, err);
    if (status == STATUS_OK) {
        status = read_new(part, part->footer.id_firsts, &firsts, &len, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    part->id_firsts = (uint32_t *)firsts; /* from malloc, so aligned */
    bool sound = part->filter_bytes == id_filter_bytes(part->footer.row_count) && firsts != NULL &&
                 len == id_run_count(part->footer.row_count) * sizeof(uint32_t);
    if (!sound) {
        return part_corrupt(part, "the sections of ids have the wrong size", err);
    }
    for (uint32_t i = 0; i < id_run_count(part->footer.row_count); i++) {
        part->id_firsts[i] = little_endian_get_u32(firsts + i * sizeof(uint32_t));
    }
    return STATUS_OK;
}

/* What the sections say of each other. */
static enum status check_counts(const struct part *part, struct error *err)
{
    const struct part_footer *footer = &part->footer;
    if (footer->row_count == 0 || footer->user_count == 0 || footer->action_count == 0 ||
        footer->source_count == 0 ||
        part->directory.page_count != page_count_of(footer->row_count) ||
        part->directory.names_count != name_block_count(footer->user_count)) {
        return part_corrupt(part, "footer and directory do not fit together", err);
    }
    return STATUS_OK;
}

static enum status open_sections(struct part *part, struct error *err)
{
    struct part_trailer trailer = {0};
    enum status status = disk_file_size(part->file, &part->size, err);
    if (status == STATUS_OK) {
        status = read_ends(part, &trailer, err);
    }
    if (status == STATUS_OK) {
        status = read_footer(part, trailer.footer, err);
    }
    if (status == STATUS_OK) {
        status = read_directory(part, err);
    }
    if (status == STATUS_OK) {
        status = check_counts(part, err);
    }
    if (status == STATUS_OK) {
        status = read_id_sections(part, err);
    }
    if (status == STATUS_OK && part->footer.dictionary.length > 0) {
        status = read_new(part, part->footer.dictionary, &part->dictionary, &part->dictionary_bytes,
                          err);
    }
    return status;
}

enum status part_open(struct disk *disk, const char *path, const struct part_name *name,
                      struct part **out_part, struct error *err)
{
    CLEANUP(part_close) struct part *part = calloc(1, sizeof *part);
    if (part == NULL) {
        return no_memory(err);
    }
    part->name = *name;
    part->seed = run_seed(name->store_id, name->number);
    arena_init(&part->arena, PART_META_BYTES_MAX);
    enum status status = disk_open(disk, path, DISK_READ, &part->file, err);
    if (status == STATUS_OK) {
        status = open_sections(part, err);
    }
    if (status == STATUS_OK) {
        *out_part = TAKE(part);
    }
    return status;
}

void part_close(struct part *part)
{
    if (part == NULL) {
        return;
    }
    disk_file_close(part->file);
    arena_deinit(&part->arena);
    free(part->filter);
    free(part->id_firsts);
    free(part->dictionary);
    free(part);
}

const struct part_footer *part_footer(const struct part *part)
{
    return &part->footer;
}

const struct part_directory *part_directory(const struct part *part)
{
    return &part->directory;
}

const struct part_name *part_name(const struct part *part)
{
    return &part->name;
}

uint64_t part_size(const struct part *part)
{
    return part->size;
}

/* Views ------------------------------------------------------------------------------------- */

/* Bytes of a run that was read last. */
struct slot {
    uint8_t *bytes;
    size_t capacity;
    uint64_t offset; /* of the run; 0: none */
    size_t len;      /* without the CRC */
};

struct part_view {
    struct part *part;
    struct page_codec *codec; /* NULL: the part has no dictionary */
    struct slot columns;
    struct slot names;
    struct slot block;
    struct slot run; /* any other, such as a chunk of a list */
    struct page page;
    uint64_t expanded_offset; /* of the block whose metadata is in `metadata`; 0: none */
    char *metadata;
    size_t metadata_capacity;
    uint32_t metadata_ends[PAGE_BLOCK_ROWS]; /* of each row's */
    uint64_t pieces_offset;                  /* of the block that was cut into `pieces`; 0: none */
    struct page_pieces pieces;
    char id[PAGE_ID_BYTES];    /* of a row that was asked for as a whole */
    char user[NAME_BYTES_MAX]; /* likewise */
    struct name_cache recent;  /* users */
};

enum status part_view_new(struct part *part, struct part_view **out_view, struct error *err)
{
    CLEANUP(part_view_free) struct part_view *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return no_memory(err);
    }
    view->part = part;
    struct str dictionary = {(const char *)part->dictionary, part->dictionary_bytes};
    if (dictionary.len > 0 && page_codec_new(dictionary, 1, &view->codec) != STATUS_OK) {
        return no_memory(err);
    }
    *out_view = TAKE(view);
    return STATUS_OK;
}

void part_view_free(struct part_view *view)
{
    if (view == NULL) {
        return;
    }
    page_codec_free(view->codec);
    free(view->columns.bytes);
    free(view->names.bytes);
    free(view->block.bytes);
    free(view->run.bytes);
    free(view->metadata);
    free(view);
}

static enum status read_slot(struct part_view *view, struct slot *slot, struct run_place place,
                             struct error *err)
{
    const struct part *part = view->part;
    if (slot->offset == place.offset && slot->len + RUN_CRC_BYTES == place.length) {
        return STATUS_OK;
    }
    if (!lies_in_file(part, place)) {
        return part_corrupt(part, "a run does not lie in the file", err);
    }
    size_t needed = (size_t)place.length + BITS_SLACK_BYTES;
    if (needed > slot->capacity) {
        uint8_t *bytes = realloc(slot->bytes, needed);
        if (bytes == NULL) {
            return no_memory(err);
        }
        slot->bytes = bytes;
        slot->capacity = needed;
    }
    slot->offset = 0;
    memset(slot->bytes + place.length, 0, BITS_SLACK_BYTES);
    enum status status = read_run(part, place, slot->bytes, err);
    if (status == STATUS_OK) {
        slot->offset = place.offset;
        slot->len = (size_t)place.length - RUN_CRC_BYTES;
    }
    return status;
}

static struct reading slot_reading(const struct slot *slot)
{
    return reading_of(slot->bytes, slot->len);
}

const struct part *part_view_part(const struct part_view *view)
{
    return view->part;
}

enum status part_view_run(struct part_view *view, struct run_place place, struct reading *out_bytes,
                          struct error *err)
{
    enum status status = read_slot(view, &view->run, place, err);
    if (status == STATUS_OK) {
        *out_bytes = slot_reading(&view->run);
    }
    return status;
}

enum status part_view_page(struct part_view *view, uint32_t row, const struct page **out_page,
                           struct error *err)
{
    const struct part *part = view->part;
    ASSERT(row < part->footer.row_count);
    const struct part_page *directory = &part->directory.pages[row / PAGE_ROWS];
    struct run_place place = {.offset = directory->place.offset,
                              .length = directory->place.columns_length};
    bool loaded = view->page.count > 0 && view->columns.offset == place.offset;
    if (!loaded) {
        uint32_t left = part->footer.row_count - row / PAGE_ROWS * PAGE_ROWS;
        view->page.count = 0;
        view->expanded_offset = 0;
        enum status status = read_slot(view, &view->columns, place, err);
        if (status == STATUS_OK) {
            status = page_open(&view->page, view->columns.bytes, view->columns.len, err);
        }
        if (status == STATUS_OK && view->page.count != (left < PAGE_ROWS ? left : PAGE_ROWS)) {
            status = part_corrupt(part, "a page has another number of rows than it should", err);
        }
        if (status != STATUS_OK) {
            view->page.count = 0;
            return status;
        }
    }
    *out_page = &view->page;
    return STATUS_OK;
}

/* Where the block of the row, whose page is there already, stands in the file. */
static struct run_place place_of_block(const struct part_view *view, uint32_t row_in_page)
{
    struct run_place place = page_block(&view->page, row_in_page);
    place.offset += view->columns.offset + view->columns.len + RUN_CRC_BYTES;
    return place;
}

/* Reads the block, and says where the metadata of each of its rows ends. Whatever was made of
 * another block is gone. */
static enum status read_block(struct part_view *view, uint32_t row_in_page,
                              uint32_t out_ends[PAGE_BLOCK_ROWS], size_t *out_bytes,
                              struct error *err)
{
    view->expanded_offset = 0;
    view->pieces_offset = 0;
    enum status status = read_slot(view, &view->block, place_of_block(view, row_in_page), err);
    if (status != STATUS_OK) {
        return status;
    }
    *out_bytes = page_metadata_ends(&view->page, row_in_page, out_ends);
    return *out_bytes <= PAGE_BLOCK_BYTES_MAX
               ? STATUS_OK
               : part_corrupt(view->part, "a block of metadata has an impossible size", err);
}

static struct str block_of(const struct part_view *view)
{
    return (struct str){(const char *)view->block.bytes, view->block.len};
}

/* Has the metadata of the row's block in `metadata`; the row's page is there already. */
static enum status expand_block(struct part_view *view, uint32_t row_in_page, struct error *err)
{
    uint64_t offset = place_of_block(view, row_in_page).offset;
    size_t bytes = 0;
    if (view->expanded_offset == offset) {
        return STATUS_OK;
    }
    enum status status = read_block(view, row_in_page, view->metadata_ends, &bytes, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (bytes > view->metadata_capacity || view->metadata == NULL) {
        char *metadata = realloc(view->metadata, bytes + 1);
        if (metadata == NULL) {
            return no_memory(err);
        }
        view->metadata = metadata;
        view->metadata_capacity = bytes;
    }
    status = page_block_expand(view->codec, block_of(view), view->metadata, bytes, err);
    if (status == STATUS_OK) {
        view->expanded_offset = offset;
    }
    return status;
}

/* The same for `pieces`. */
static enum status cut_block(struct part_view *view, uint32_t row_in_page, struct error *err)
{
    uint64_t offset = place_of_block(view, row_in_page).offset;
    uint32_t left = view->page.count - (row_in_page - row_in_page % PAGE_BLOCK_ROWS);
    size_t bytes;
    if (view->pieces_offset == offset) {
        return STATUS_OK;
    }
    if (view->expanded_offset == offset) { /* put together already */
        view->pieces.apart = false;
        return STATUS_OK;
    }
    enum status status = read_block(view, row_in_page, view->pieces.ends, &bytes, err);
    if (status == STATUS_OK) {
        view->pieces.count = left < PAGE_BLOCK_ROWS ? left : PAGE_BLOCK_ROWS;
        status = page_block_cut(view->codec, block_of(view), &view->pieces, err);
    }
    if (status == STATUS_OK) {
        view->pieces_offset = offset;
    }
    return status;
}

enum status part_view_metadata(struct part_view *view, uint32_t row, struct str *out_metadata,
                               struct error *err)
{
    const struct page *page;
    enum status status = part_view_page(view, row, &page, err);
    if (status == STATUS_OK) {
        status = expand_block(view, row % PAGE_ROWS, err);
    }
    if (status == STATUS_OK) {
        uint32_t at = row % PAGE_BLOCK_ROWS;
        uint32_t from = at == 0 ? 0 : view->metadata_ends[at - 1];
        *out_metadata = (struct str){.data = view->metadata + from,
                                     .len = (size_t)view->metadata_ends[at] - from};
    }
    return status;
}

/* A row of the page that is there, and its metadata. */
static enum status number_row(struct part_view *view, uint32_t at, struct str metadata,
                              struct part_numbered_row *out_row, struct error *err)
{
    const struct part_footer *footer = &view->part->footer;
    const struct page *page = &view->page;
    uint64_t user = page_value(page, COLUMN_USER, at);
    uint64_t action = page_value(page, COLUMN_ACTION, at);
    uint64_t source = page_value(page, COLUMN_SOURCE, at);
    if (user >= footer->user_count || action >= footer->action_count ||
        source >= footer->source_count) {
        return part_corrupt(
            view->part, "a row has a user, an action or a source that the part does not know", err);
    }
    struct uuid uuid = {0};
    struct str id = {view->id, UUID_TEXT_BYTES};
    bool has_uuid = page_uuid(page, at, &uuid);
    if (has_uuid) {
        uuid_format(uuid, view->id);
    } else {
        id = page_id(page, at, view->id);
    }
    *out_row = (struct part_numbered_row){
        .activity = {.id = id,
                     .metadata = metadata,
                     .timestamp_ms = page->timestamps[at],
                     .received_at_ms = page_received_at(page, at)},
        .user = (uint32_t)user,
        .action = (uint32_t)action,
        .source = (uint32_t)source,
        .offset = (int64_t)page_value(page, COLUMN_OFFSET, at),
        .salt = page_salt(page, at),
        .has_uuid = has_uuid,
        .uuid = uuid,
    };
    return STATUS_OK;
}

enum status part_view_numbered_row(struct part_view *view, uint32_t row,
                                   struct part_numbered_row *out_row, struct error *err)
{
    struct str metadata;
    enum status status = part_view_metadata(view, row, &metadata, err);
    return status == STATUS_OK ? number_row(view, row % PAGE_ROWS, metadata, out_row, err) : status;
}

enum status part_view_row_apart(struct part_view *view, uint32_t row,
                                struct part_row_apart *out_row, struct error *err)
{
    const struct page *page;
    enum status status = part_view_page(view, row, &page, err);
    if (status == STATUS_OK) {
        status = cut_block(view, row % PAGE_ROWS, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out_row->apart = view->pieces.apart;
    if (!out_row->apart) {
        return part_view_numbered_row(view, row, &out_row->row, err);
    }
    uint32_t at = row % PAGE_BLOCK_ROWS;
    uint32_t from = at == 0 ? 0 : view->pieces.ends[at - 1];
    const struct str length_only = {NULL, view->pieces.ends[at] - from};
    out_row->piece = view->pieces.items[at];
    return number_row(view, row % PAGE_ROWS, length_only, &out_row->row, err);
}

enum status part_view_user_text(struct part_view *view, uint32_t number, char space[NAME_BYTES_MAX],
                                struct str *out_text, struct error *err)
{
    const struct part *part = view->part;
    if (number >= part->footer.user_count) {
        return part_corrupt(part, "a row has a user that the part does not know", err);
    }
    struct str recent = name_cache_find(&view->recent, number);
    if (recent.data != NULL) {
        memcpy(space, recent.data, recent.len);
        *out_text = (struct str){space, recent.len};
        return STATUS_OK;
    }
    enum status status =
        read_slot(view, &view->names, part->directory.names[number / NAMES_IN_BLOCK].place, err);
    if (status == STATUS_OK) {
        status = name_block_text(slot_reading(&view->names), number % NAMES_IN_BLOCK, space,
                                 out_text, err);
    }
    if (status == STATUS_OK) {
        name_cache_put(&view->recent, number, *out_text);
    }
    return status;
}

void part_users_begin(struct part_users *users, struct part_view *view)
{
    users->view = view;
    users->next = 0;
}

void part_users_go_to_block(struct part_users *users, uint32_t block)
{
    ASSERT(block < users->view->part->directory.names_count);
    users->next = block * NAMES_IN_BLOCK;
}

enum status part_users_next(struct part_users *users, struct str *out_text, struct error *err)
{
    struct part_view *view = users->view;
    const struct part *part = view->part;
    struct name_found found;
    enum status status = STATUS_OK;
    if (users->next == part->footer.user_count) {
        return STATUS_NOT_FOUND;
    }
    if (users->next % NAMES_IN_BLOCK == 0) {
        status = read_slot(view, &view->names,
                           part->directory.names[users->next / NAMES_IN_BLOCK].place, err);
        if (status != STATUS_OK) {
            return status;
        }
        name_reading_begin(&users->block, slot_reading(&view->names));
    }
    status = name_reading_next(&users->block, &found, err);
    if (status == STATUS_OK) {
        users->next++;
        users->row_count = found.count;
        *out_text = name_reading_text(&users->block);
    }
    return status;
}

enum status part_view_look(struct part_view *view, uint32_t row, struct part_row *out_row,
                           struct error *err)
{
    struct part_numbered_row found = {0};
    enum status status = part_view_numbered_row(view, row, &found, err);
    if (status == STATUS_OK) {
        status = part_view_user_text(view, found.user, view->user, &found.activity.user_id, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    found.activity.action = view->part->footer.actions[found.action].text;
    *out_row = (struct part_row){.activity = found.activity,
                                 .source = found.source,
                                 .offset = found.offset,
                                 .salt = found.salt};
    return STATUS_OK;
}

enum status part_view_row(struct part_view *view, uint32_t row, struct arena *arena,
                          struct part_row *out_row, struct error *err)
{
    struct part_row found;
    enum status status = part_view_look(view, row, &found, err);
    if (status == STATUS_OK && !activity_copy(arena, &found.activity, &found.activity)) {
        return no_memory(err);
    }
    if (status == STATUS_OK) {
        *out_row = found;
    }
    return status;
}

/* Users ------------------------------------------------------------------------------------- */

/* The block that would hold the text: the last one that does not begin behind it. */
static uint32_t block_of_user(const struct part *part, struct str text)
{
    uint32_t low = 0;
    uint32_t high = part->directory.names_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (str_compare(part->directory.names[middle].first, text) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

enum status part_view_find_user(struct part_view *view, struct str text, struct part_user *out_user,
                                struct error *err)
{
    const struct part *part = view->part;
    uint32_t block = block_of_user(part, text);
    enum status status = read_slot(view, &view->names, part->directory.names[block].place, err);
    if (status == STATUS_OK) {
        status = name_block_find(slot_reading(&view->names), text, &out_user->found, err);
    }
    if (status == STATUS_OK) {
        out_user->number = block * NAMES_IN_BLOCK + out_user->found.number;
    }
    return status;
}

enum status part_view_user(struct part_view *view, uint32_t number, struct part_user *out_user,
                           struct error *err)
{
    char space[NAME_BYTES_MAX];
    struct str text = {0};
    enum status status = part_view_user_text(view, number, space, &text, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(view, text, out_user, err);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && out_user->number != number)) {
        return part_corrupt(view->part, "a user is not where it belongs", err);
    }
    return status;
}

/* Ids --------------------------------------------------------------------------------------- */

/* Whether the row has this id. */
static enum status row_has_id(struct part_view *view, uint32_t row, struct str id, bool *out_has,
                              struct error *err)
{
    const struct page *page;
    char space[PAGE_ID_BYTES];
    if (row >= view->part->footer.row_count) {
        return part_corrupt(view->part, "the index of ids names a row that is not there", err);
    }
    enum status status = part_view_page(view, row, &page, err);
    *out_has = status == STATUS_OK && str_equal(page_id(page, row % PAGE_ROWS, space), id);
    return status;
}

static bool may_be_of_time(const struct part_footer *footer, int64_t id_time)
{
    const struct part_range *times = &footer->id_times;
    return id_time == 0 || (times->first_ms <= id_time && id_time <= times->last_ms);
}

struct id_key id_key_make(struct str id)
{
    return (struct id_key){.text = id, .time_ms = id_time_ms(id)};
}

bool part_may_hold_id(const struct part *part, struct id_key *key)
{
    if (!may_be_of_time(&part->footer, key->time_ms)) {
        return false;
    }
    if (!key->hashed) {
        key->hash = id_hash(key->text);
        key->hashed = true;
    }
    return id_filter_may_hold(part->filter, part->filter_bytes, key->hash);
}

enum status part_view_find_id(struct part_view *view, struct str id, uint32_t *out_row,
                              struct error *err)
{
    const struct part *part = view->part;
    struct id_key key = id_key_make(id);
    struct id_index index = {.file = part->file,
                             .seed = part->seed,
                             .place = part->footer.ids,
                             .firsts = part->id_firsts,
                             .count = part->footer.row_count};
    struct id_search search;
    bool found = false;
    enum status status = part_may_hold_id(part, &key) ? STATUS_OK : STATUS_NOT_FOUND;
    id_search_begin(&search, &index, key.hash);
    while (status == STATUS_OK && !found) {
        status = id_search_next(&search, out_row, err);
        if (status == STATUS_OK) {
            status = row_has_id(view, *out_row, id, &found, err);
        }
    }
    return status == STATUS_NOT_FOUND
               ? error_set(err, status, 0, "the part holds no activity with this id")
               : status;
}
