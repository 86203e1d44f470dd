#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include "base/assert.h"
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILES_IN_A_FULL_LIST = 8 };

struct refusal_list_local {
    struct refusal_list list;
    struct shelf shelf;
};

static struct shelf *shelf_of(struct refusal_list *list)
{
    return &CONTAINER_OF(list, struct refusal_list_local, list)->shelf;
}

/* --- adding --- */

static int compare_positions(const void *a, const void *b)
{
    const struct refusal *left = *(const struct refusal *const *)a;
    const struct refusal *right = *(const struct refusal *const *)b;
    if (left->position.partition != right->position.partition) {
        return left->position.partition > right->position.partition ? 1 : -1;
    }
    if (left->position.offset != right->position.offset) {
        return left->position.offset > right->position.offset ? 1 : -1;
    }
    return (left > right) - (left < right); /* the first of the same */
}

static bool is_listed(struct shelf *shelf, struct uuid log_id, struct position position)
{
    pthread_mutex_lock(&shelf->mutex);
    bool listed = refusal_index_find(&shelf->index, log_id, position) != NULL;
    pthread_mutex_unlock(&shelf->mutex);
    return listed;
}

static bool fits(const struct shelf *shelf, const struct refusal *refusal)
{
    size_t length = record_length(refusal);
    return length > 0 && length + REFUSAL_ITEM_BYTES <= shelf->config.bytes_max;
}

/* Those that are to be written, each position once, as records. Returns how many. */
static size_t choose(struct shelf *shelf, struct uuid log_id, const struct refusal **sorted,
                     size_t count, struct record *out_records)
{
    int64_t now_ms = clock_wall_ms(shelf->config.clock);
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        struct position position = sorted[i]->position;
        bool again = i > 0 && sorted[i - 1]->position.partition == position.partition &&
                     sorted[i - 1]->position.offset == position.offset;
        if (!again && fits(shelf, sorted[i]) && !is_listed(shelf, log_id, position)) {
            out_records[chosen++] =
                (struct record){.log_id = log_id, .refusal = *sorted[i], .refused_at_ms = now_ms};
        }
    }
    return chosen;
}

static enum status write_all(struct shelf *shelf, const struct record *records, size_t count,
                             struct error *err)
{
    enum status status = STATUS_OK;
    size_t done = 0;
    while (status == STATUS_OK && done < count) {
        size_t written = 0;
        status = shelf_write_group(shelf, records + done, count - done, &written, err);
        done += written;
    }
    return status;
}

/* Counted when all others are safe, since a failed add comes again. */
static void count_misfits(struct shelf *shelf, const struct refusal *refusals, size_t count)
{
    pthread_mutex_lock(&shelf->mutex);
    for (size_t i = 0; i < count; i++) {
        shelf->dropped += !fits(shelf, &refusals[i]);
    }
    pthread_mutex_unlock(&shelf->mutex);
}

static enum status local_add(struct refusal_list *list, struct uuid log_id,
                             const struct refusal *refusals, size_t count, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    const struct refusal **sorted = calloc(count, sizeof(const struct refusal *));
    struct record *records = calloc(count, sizeof *records);
    enum status status;
    if (sorted == NULL || records == NULL) {
        status = shelf_no_memory(err);
    } else {
        for (size_t i = 0; i < count; i++) {
            sorted[i] = &refusals[i];
        }
        qsort(sorted, count, sizeof(const struct refusal *), compare_positions);
        pthread_mutex_lock(&shelf->writing);
        size_t chosen = choose(shelf, log_id, sorted, count, records);
        status = write_all(shelf, records, chosen, err);
        pthread_mutex_unlock(&shelf->writing);
    }
    if (status == STATUS_OK) {
        count_misfits(shelf, refusals, count);
    }
    free(records);
    free(sorted);
    return status;
}

/* --- removing --- */

/* The position that an id names, if it is listed. */
static bool find_listed(struct shelf *shelf, struct str id, struct uuid *out_log_id,
                        struct position *out_position)
{
    pthread_mutex_lock(&shelf->mutex);
    const struct refusal_item *item = refusal_index_find_id(&shelf->index, id);
    if (item != NULL) {
        *out_log_id = item->log_id;
        *out_position = item->position;
    }
    pthread_mutex_unlock(&shelf->mutex);
    return item != NULL;
}

static enum status local_remove(struct refusal_list *list, struct str id, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    struct uuid log_id;
    struct position position;
    if (!find_listed(shelf, id, &log_id, &position)) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id");
    }
    pthread_mutex_lock(&shelf->writing);
    enum status status = shelf_write_removal(shelf, log_id, position, err);
    if (status == STATUS_OK) {
        shelf_remove_emptied(shelf);
    }
    pthread_mutex_unlock(&shelf->writing);
    return status;
}

/* --- asking, under the mutex --- */

/* NOT_FOUND: its record does not hold any more. */
static enum status read_entry(const struct shelf_entry *entry, struct arena *arena,
                              struct refusal_entry *out_entry, struct error *err)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(entry->item.log_id, entry->item.position, id);
    struct str id_copy = arena_copy_str(arena, str_from(id));
    uint8_t *bytes = arena_allocate(arena, entry->bytes);
    if (bytes == NULL || id_copy.data == NULL) {
        return shelf_no_memory(err);
    }
    struct iovec into = {.iov_base = bytes, .iov_len = entry->bytes};
    size_t len = 0;
    enum status status = disk_file_read(entry->file->handle, entry->at, into, &len, err);
    struct record_place place = {entry->file->number, entry->at};
    struct record record;
    if (status == STATUS_OK &&
        (len != entry->bytes || !record_decode(bytes, len, place, &record))) {
        status = error_set(err, STATUS_NOT_FOUND, 0, "this refused activity is damaged");
    }
    if (status == STATUS_OK) {
        *out_entry = (struct refusal_entry){.id = id_copy,
                                            .log_id = record.log_id,
                                            .refusal = record.refusal,
                                            .refused_at_ms = record.refused_at_ms};
    }
    return status;
}

static void lose(struct shelf *shelf, struct shelf_entry *entry)
{
    log_write(shelf->config.logger, LOG_WARNING,
              "the refused list is damaged: what stood there is lost",
              LOG_FIELDS(log_text("folder", str_from(shelf->directory)),
                         log_number("file", (int64_t)entry->file->number),
                         log_number("from", (int64_t)entry->at),
                         log_number("to", (int64_t)(entry->at + entry->bytes))));
    shelf_forget(shelf, entry);
}

/* What is damaged is passed over, and gone from then on. */
static enum status read_down(struct shelf *shelf, const struct refusal_page_request *request,
                             struct arena *arena, struct refusal_page *page, struct error *err)
{
    enum status status = STATUS_OK;
    size_t at = refusal_index_below(&shelf->index, request->after);
    size_t bytes = 0;
    while (status == STATUS_OK && at > 0 && page->count < request->limit) {
        struct shelf_entry *entry = shelf_entry_of(refusal_index_at(&shelf->index, at - 1));
        if (page->count > 0 && bytes + entry->bytes > request->bytes_max) {
            break;
        }
        status = read_entry(entry, arena, &page->entries[page->count], err);
        if (status == STATUS_OK) {
            bytes += entry->bytes;
            page->count++;
        } else if (status == STATUS_NOT_FOUND) {
            lose(shelf, entry);
            status = STATUS_OK;
        }
        at--;
    }
    page->more = at > 0;
    return status;
}

static enum status local_find(struct refusal_list *list, const struct refusal_page_request *request,
                              struct arena *arena, struct refusal_page *out_page, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    struct refusal_page page = {0};
    pthread_mutex_lock(&shelf->mutex);
    size_t most = request->limit < shelf->index.count ? request->limit : shelf->index.count;
    page.entries = arena_allocate(arena, (most + 1) * sizeof *page.entries);
    enum status status =
        page.entries == NULL ? shelf_no_memory(err) : read_down(shelf, request, arena, &page, err);
    pthread_mutex_unlock(&shelf->mutex);
    if (status == STATUS_OK) {
        *out_page = page;
    }
    return status;
}

static enum status local_get(struct refusal_list *list, struct str id, struct arena *arena,
                             struct refusal_entry *out_entry, struct error *err)
{
    struct shelf *shelf = shelf_of(list);
    enum status status;
    pthread_mutex_lock(&shelf->mutex);
    struct refusal_item *item = refusal_index_find_id(&shelf->index, id);
    if (item == NULL) {
        status = error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id");
    } else {
        status = read_entry(shelf_entry_of(item), arena, out_entry, err);
        if (status == STATUS_NOT_FOUND) {
            lose(shelf, shelf_entry_of(item));
        }
    }
    pthread_mutex_unlock(&shelf->mutex);
    return status;
}

static void local_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    struct shelf *shelf = shelf_of(list);
    pthread_mutex_lock(&shelf->mutex);
    *out_state = (struct refusal_list_state){.kind = "local",
                                             .listed = shelf->index.count,
                                             .bytes = shelf->bytes,
                                             .bytes_max = shelf->config.bytes_max,
                                             .dropped = shelf->dropped};
    pthread_mutex_unlock(&shelf->mutex);
}

static void local_free(struct refusal_list *list)
{
    struct refusal_list_local *local = CONTAINER_OF(list, struct refusal_list_local, list);
    shelf_close(&local->shelf);
    free(local);
}

static const struct refusal_list_operations local_operations = {
    .add = local_add,
    .find = local_find,
    .get = local_get,
    .remove = local_remove,
    .describe = local_describe,
    .free = local_free,
};

enum status refusal_list_local_new(const struct refusal_list_local_config *config,
                                   struct refusal_list **out_list, struct error *err)
{
    ASSERT(config->bytes_max >= 1);
    if (strlen(config->directory) >= DISK_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0, "a data folder has too long a path");
    }
    struct refusal_list_local *local = calloc(1, sizeof *local);
    if (local == NULL) {
        return shelf_no_memory(err);
    }
    struct shelf *shelf = &local->shelf;
    local->list.operations = &local_operations;
    shelf->config = *config;
    snprintf(shelf->directory, sizeof shelf->directory, "%s", config->directory);
    shelf->next_number = 1;
    shelf->file_cost_max = config->bytes_max / FILES_IN_A_FULL_LIST;
    refusal_index_init(&shelf->index);
    buffer_init(&shelf->group, UINT32_MAX);
    pthread_mutex_init(&shelf->mutex, NULL);
    pthread_mutex_init(&shelf->writing, NULL);
    enum status status = shelf_open(shelf, err);
    if (status != STATUS_OK) {
        local_free(&local->list);
        return status;
    }
    *out_list = &local->list;
    return STATUS_OK;
}
