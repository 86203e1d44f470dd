/* What is there at the start: every record of every file, and the end of the last one set right. */
#include "application/refusal_subject.h"
#include "base/array.h"
#include "infrastructure/refusal_list_local/record_walk.h"
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdio.h>
#include <stdlib.h>

/* --- which files there are --- */

struct numbers {
    uint64_t *items;
    size_t count;
    size_t capacity;
    bool no_memory;
};

static void note_number(void *context, const char *name)
{
    struct numbers *numbers = context;
    uint64_t number;
    if (numbers->no_memory || !shelf_parse_name(name, &number)) {
        return;
    }
    if (!ARRAY_RESERVE(numbers->items, numbers->capacity, numbers->count + 1)) {
        numbers->no_memory = true;
        return;
    }
    numbers->items[numbers->count++] = number;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static enum status list_files(struct shelf *shelf, struct error *err)
{
    struct numbers numbers = {0};
    enum status status =
        disk_list(shelf->config.disk, shelf->directory, note_number, &numbers, err);
    if (status == STATUS_OK && numbers.count > 0) {
        qsort(numbers.items, numbers.count, sizeof *numbers.items, compare_numbers);
    }
    bool no_memory = numbers.no_memory;
    for (size_t i = 0; status == STATUS_OK && !no_memory && i < numbers.count; i++) {
        no_memory = shelf_add_file(shelf, numbers.items[i]) == NULL;
    }
    free(numbers.items);
    return no_memory ? shelf_no_memory(err) : status;
}

/* --- what a file holds --- */

struct reading {
    struct shelf *shelf;
    struct shelf_file *file;
    bool is_last;
    struct refusal_item **items; /* its entries, as far as they are not listed yet */
    size_t count;
    size_t entries; /* in all */
    size_t capacity;
    uint64_t group_at; /* where the last group starts */
};

static enum status keep_entry(struct reading *reading, const struct record_found *found)
{
    if (!ARRAY_RESERVE(reading->items, reading->capacity, reading->count + 1)) {
        return STATUS_NO_MEMORY;
    }
    struct shelf_entry *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return STATUS_NO_MEMORY;
    }
    *entry = (struct shelf_entry){
        .item = {.log_id = found->record.log_id,
                 .position = found->record.refusal.position,
                 .refused_at_ms = found->record.refused_at_ms,
                 .signature = refusal_signature(&found->record.refusal)},
        .file = reading->file,
        .at = found->from,
        .bytes = (size_t)(found->to - found->from),
    };
    reading->items[reading->count++] = &entry->item;
    reading->entries++;
    return STATUS_OK;
}

/* Later records take the place of earlier ones. */
static enum status list_entries(struct reading *reading, struct error *err)
{
    struct shelf *shelf = reading->shelf;
    if (refusal_index_reserve(&shelf->index, reading->count) != STATUS_OK) {
        return shelf_no_memory(err);
    }
    for (size_t i = 0; i < reading->count; i++) {
        const struct refusal_item *item = reading->items[i];
        struct refusal_item *known =
            refusal_index_find(&shelf->index, item->log_id, item->position);
        if (known != NULL) {
            shelf_forget(shelf, shelf_entry_of(known));
        }
    }
    size_t added = refusal_index_add(&shelf->index, reading->items, reading->count);
    reading->file->listed += added;
    for (size_t i = added; i < reading->count; i++) {
        free(shelf_entry_of(reading->items[i]));
    }
    reading->count = 0;
    return STATUS_OK;
}

/* What was listed before it in this file or an earlier one is listed no more. */
static enum status take_removal(struct reading *reading, const struct record *removal,
                                struct error *err)
{
    struct refusal_index *index = &reading->shelf->index;
    enum status status = list_entries(reading, err);
    struct refusal_item *item =
        status == STATUS_OK ? refusal_index_find(index, removal->log_id, removal->refusal.position)
                            : NULL;
    if (item != NULL) {
        shelf_forget(reading->shelf, shelf_entry_of(item));
    }
    return status;
}

static enum status take_record(struct reading *reading, const struct record_found *found,
                               struct error *err)
{
    if (found->record.removes) {
        return take_removal(reading, &found->record, err);
    }
    return keep_entry(reading, found) == STATUS_OK ? STATUS_OK : shelf_no_memory(err);
}

static void report(const struct reading *reading, const char *message, uint64_t from, uint64_t to)
{
    log_write(reading->shelf->config.logger, LOG_WARNING, message,
              LOG_FIELDS(log_text("folder", str_from(reading->shelf->directory)),
                         log_number("file", (int64_t)reading->file->number),
                         log_number("from", (int64_t)from), log_number("to", (int64_t)to)));
}

static enum status note(struct reading *reading, uint64_t size, const struct record_found *found,
                        struct error *err)
{
    reading->file->used = found->to;
    if (found->item == RECORD_FOUND) {
        uint64_t behind = found->record.behind;
        reading->group_at = behind <= found->from ? found->from - behind : found->from;
        return take_record(reading, found, err);
    }
    if (reading->is_last && found->to == size) {
        report(reading, "the refused list ends in what a crash left of a write: cut", found->from,
               size);
        reading->file->used = found->from;
    } else {
        report(reading, "the refused list is damaged: what stood there is lost", found->from,
               found->to);
    }
    return STATUS_OK;
}

static enum status walk_file(struct reading *reading, uint64_t size, struct error *err)
{
    struct record_walk walk;
    struct record_found found = {.item = RECORD_FOUND};
    enum status status = STATUS_OK;
    record_walk_init(&walk, reading->file->handle, reading->file->number, size);
    while (status == STATUS_OK && found.item != RECORD_END) {
        status = record_walk_next(&walk, &found, err);
        if (status == STATUS_OK && found.item != RECORD_END) {
            status = note(reading, size, &found, err);
        }
    }
    record_walk_deinit(&walk);
    return status;
}

/* --- the end of the last file --- */

static enum status rewrite(struct reading *reading, uint8_t *bytes, size_t len, struct error *err)
{
    struct iovec part = {.iov_base = bytes, .iov_len = len};
    size_t done = 0;
    enum status status = disk_file_read(reading->file->handle, reading->group_at, part, &done, err);
    if (status == STATUS_OK && done == len) {
        status = disk_file_write(reading->file->handle, reading->group_at, &part, 1, err);
    }
    /* A full disk must not keep the service from starting; syncing is enough unless that failed
     * before. */
    return status == STATUS_NO_SPACE ? STATUS_OK : status;
}

static enum status rewrite_last_group(struct reading *reading, struct error *err)
{
    size_t len = (size_t)(reading->file->used - reading->group_at);
    if (len == 0) {
        return STATUS_OK;
    }
    uint8_t *bytes = malloc(len);
    enum status status = bytes == NULL ? shelf_no_memory(err) : rewrite(reading, bytes, len, err);
    free(bytes);
    return status;
}

static enum status settle_end(struct reading *reading, uint64_t size, struct error *err)
{
    struct disk_file *handle = reading->file->handle;
    enum status status = STATUS_OK;
    if (reading->file->used < size) {
        status = disk_file_truncate(handle, reading->file->used, err);
    }
    if (status == STATUS_OK) {
        status = rewrite_last_group(reading, err);
    }
    return status == STATUS_OK ? disk_file_sync(handle, err) : status;
}

static enum status read_file(struct reading *reading, struct error *err)
{
    uint64_t size = 0;
    enum status status = shelf_open_file(reading->shelf, reading->file, DISK_WRITE, err);
    if (status == STATUS_OK) {
        status = disk_file_size(reading->file->handle, &size, err);
    }
    if (status == STATUS_OK) {
        status = walk_file(reading, size, err);
    }
    if (status == STATUS_OK && reading->is_last) {
        status = settle_end(reading, size, err);
    }
    if (status == STATUS_OK) {
        status = list_entries(reading, err);
    }
    if (status == STATUS_OK) {
        reading->file->cost = reading->file->used + reading->entries * REFUSAL_ITEM_BYTES;
        reading->shelf->bytes += reading->file->cost;
    }
    for (size_t i = 0; i < reading->count; i++) {
        free(shelf_entry_of(reading->items[i]));
    }
    free(reading->items);
    return status;
}

/* --- all of it --- */

static enum status read_files(struct shelf *shelf, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < shelf->file_count; i++) {
        struct reading reading = {
            .shelf = shelf, .file = shelf->files[i], .is_last = i + 1 == shelf->file_count};
        status = read_file(&reading, err);
    }
    return status;
}

enum status shelf_open(struct shelf *shelf, struct error *err)
{
    struct disk *disk = shelf->config.disk;
    enum status status = disk_make_durable_directory(disk, shelf->directory, err);
    if (status == STATUS_OK) {
        status = disk_lock_take(disk, shelf->directory, &shelf->lock, err);
    }
    if (status == STATUS_OK) {
        status = list_files(shelf, err);
    }
    if (status == STATUS_OK) {
        status = read_files(shelf, err);
    }
    if (status == STATUS_OK) {
        status = disk_sync_directory(disk, shelf->directory, err);
    }
    return status == STATUS_OK ? shelf_make_room(shelf, 0, err) : status;
}
