/* One group: to the end of the last file, or of a new one, durable before it is listed. */
#include "application/refusal_subject.h"
#include "base/assert.h"
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdlib.h>

enum { GROUP_BYTES_MAX = 1 << 20 }; /* beyond it a group is one record */

/* How many of the records go into one group, and what they will cost. */
static size_t choose_group(const struct shelf *shelf, const struct record *records, size_t count,
                           uint64_t *out_cost)
{
    uint64_t cost_max =
        shelf->file_cost_max < GROUP_BYTES_MAX ? shelf->file_cost_max : GROUP_BYTES_MAX;
    size_t chosen = 0;
    *out_cost = 0;
    while (chosen < count) {
        uint64_t cost = record_length(&records[chosen].refusal) + REFUSAL_ITEM_BYTES;
        if (chosen > 0 && *out_cost + cost > cost_max) {
            break;
        }
        *out_cost += cost;
        chosen++;
    }
    return chosen;
}

/* After this nothing is in the last file that nobody was promised. A file whose fdatasync failed
 * gets nothing more, and if it was empty it goes: a disk that fails for hours leaves no heap of
 * them. */
static enum status take_back_group(struct shelf *shelf, struct error *err)
{
    if (shelf->tail == TAIL_SOUND) {
        return STATUS_OK;
    }
    const struct shelf_file *file = shelf->files[shelf->file_count - 1];
    bool unsynced = shelf->tail == TAIL_UNSYNCED;
    enum status status = unsynced && file->used == 0
                             ? shelf_remove_last_file(shelf, err)
                             : disk_file_truncate(file->handle, file->used, err);
    if (status == STATUS_OK) {
        shelf->tail = TAIL_SOUND;
        shelf->closed = shelf->closed || unsynced;
    }
    return status;
}

/* The last file, or a new one behind it. Whoever comes here has taken back what could not be
 * written.
 */
static enum status find_last_file(struct shelf *shelf, uint64_t cost, struct shelf_file **out_file,
                                  struct error *err)
{
    enum status status = STATUS_OK;
    const struct shelf_file *last =
        shelf->file_count == 0 ? NULL : shelf->files[shelf->file_count - 1];
    if (last == NULL || shelf->closed ||
        (last->cost > 0 && last->cost + cost > shelf->file_cost_max)) {
        status = shelf_make_file(shelf, err);
        shelf->closed = shelf->closed && status != STATUS_OK;
    }
    if (status == STATUS_OK) {
        *out_file = shelf->files[shelf->file_count - 1];
    }
    return status;
}

static enum status find_file(struct shelf *shelf, uint64_t cost, struct shelf_file **out_file,
                             struct error *err)
{
    enum status status = take_back_group(shelf, err);
    if (status == STATUS_OK) {
        status = shelf_make_room(shelf, cost, err);
    }
    return status == STATUS_OK ? find_last_file(shelf, cost, out_file, err) : status;
}

static enum status encode(struct shelf *shelf, const struct shelf_file *file,
                          const struct record *records, size_t count)
{
    buffer_clear(&shelf->group);
    for (size_t i = 0; i < count; i++) {
        struct record record = records[i];
        record.behind = (uint32_t)shelf->group.len;
        record_append(&shelf->group, &record,
                      (struct record_place){file->number, file->used + shelf->group.len});
    }
    return shelf->group.failed;
}

static void free_entries(struct refusal_item **items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i] == NULL ? NULL : shelf_entry_of(items[i]));
    }
}

static enum status make_entries(struct shelf_file *file, const struct record *records, size_t count,
                                struct refusal_item **out_items)
{
    uint64_t at = file->used;
    for (size_t i = 0; i < count; i++) {
        struct shelf_entry *entry = malloc(sizeof *entry);
        if (entry == NULL) {
            free_entries(out_items, i);
            return STATUS_NO_MEMORY;
        }
        *entry = (struct shelf_entry){
            .item = {.log_id = records[i].log_id,
                     .position = records[i].refusal.position,
                     .refused_at_ms = records[i].refused_at_ms,
                     .signature = refusal_signature(&records[i].refusal)},
            .file = file,
            .at = at,
            .bytes = record_length(&records[i].refusal),
        };
        at += entry->bytes;
        out_items[i] = &entry->item;
    }
    return STATUS_OK;
}

static enum status write_durably(struct shelf *shelf, struct shelf_file *file, struct error *err)
{
    struct iovec part = {.iov_base = shelf->group.data, .iov_len = shelf->group.len};
    enum status status = disk_file_write(file->handle, file->used, &part, 1, err);
    shelf->tail = status == STATUS_OK ? TAIL_SOUND : TAIL_UNWRITTEN;
    if (status == STATUS_OK) {
        status = disk_file_sync(file->handle, err);
        shelf->tail = status == STATUS_OK ? TAIL_SOUND : TAIL_UNSYNCED;
    }
    return status;
}

static void publish(struct shelf *shelf, struct shelf_file *file, struct refusal_item **items,
                    size_t count)
{
    uint64_t cost = shelf->group.len + count * REFUSAL_ITEM_BYTES;
    pthread_mutex_lock(&shelf->mutex);
    size_t added = refusal_index_add(&shelf->index, items, count);
    file->used += shelf->group.len;
    file->listed += count;
    file->cost += cost;
    shelf->bytes += cost;
    pthread_mutex_unlock(&shelf->mutex);
    ASSERT(added == count);
}

static enum status reserve(struct shelf *shelf, size_t count)
{
    pthread_mutex_lock(&shelf->mutex);
    enum status status = refusal_index_reserve(&shelf->index, count);
    pthread_mutex_unlock(&shelf->mutex);
    return status;
}

/* Everything that may lack memory comes before the disk hears of it. */
static enum status prepare(struct shelf *shelf, struct shelf_file *file,
                           const struct record *records, size_t count, struct refusal_item **items)
{
    enum status status = reserve(shelf, count);
    if (status == STATUS_OK) {
        status = encode(shelf, file, records, count);
    }
    return status == STATUS_OK ? make_entries(file, records, count, items) : status;
}

static enum status write_and_list(struct shelf *shelf, struct shelf_file *file,
                                  const struct record *records, size_t count, struct error *err)
{
    ASSERT(count > 0);
    struct refusal_item **items = calloc(count, sizeof(struct refusal_item *));
    enum status status =
        items == NULL ? STATUS_NO_MEMORY : prepare(shelf, file, records, count, items);
    if (status != STATUS_OK) {
        free(items);
        return shelf_no_memory(err);
    }
    status = write_durably(shelf, file, err);
    if (status == STATUS_OK) {
        publish(shelf, file, items, count);
    } else {
        free_entries(items, count);
    }
    free(items);
    return status;
}

enum status shelf_write_group(struct shelf *shelf, const struct record *records, size_t count,
                              size_t *out_written, struct error *err)
{
    uint64_t cost;
    struct shelf_file *file = NULL;
    size_t chosen = choose_group(shelf, records, count, &cost);
    enum status status = find_file(shelf, cost, &file, err);
    if (status == STATUS_OK) {
        status = write_and_list(shelf, file, records, chosen, err);
    }
    if (shelf->group.capacity > GROUP_BYTES_MAX) {
        buffer_deinit(&shelf->group);
    }
    if (status == STATUS_OK) {
        *out_written = chosen;
    }
    return status;
}

/* Removals -------------------------------------------------------------------------------- */

/* Says whether it was there, and where. */
static bool take_off(struct shelf *shelf, struct uuid log_id, struct position position,
                     struct shelf_place *out_place)
{
    pthread_mutex_lock(&shelf->mutex);
    struct refusal_item *item = refusal_index_find(&shelf->index, log_id, position);
    if (item != NULL) {
        struct shelf_entry *entry = shelf_entry_of(item);
        *out_place = (struct shelf_place){entry->file, entry->at, entry->bytes};
        shelf_forget(shelf, entry);
    }
    pthread_mutex_unlock(&shelf->mutex);
    return item != NULL;
}

static void account_for_group(struct shelf *shelf, struct shelf_file *file)
{
    pthread_mutex_lock(&shelf->mutex);
    file->used += shelf->group.len;
    file->cost += shelf->group.len;
    shelf->bytes += shelf->group.len;
    pthread_mutex_unlock(&shelf->mutex);
}

/* No room is made for it, which would cost entries: there are as many removals as entries at most,
 * and the next add makes up for them. */
enum status shelf_write_removals(struct shelf *shelf, const struct record *removals, size_t count,
                                 size_t *out_removed, struct error *err)
{
    struct shelf_file *file = NULL;
    size_t removed = 0;
    enum status status = take_back_group(shelf, err);
    if (status == STATUS_OK) {
        status = find_last_file(shelf, count * RECORD_HEADER_BYTES, &file, err);
    }
    if (status == STATUS_OK && encode(shelf, file, removals, count) != STATUS_OK) {
        status = shelf_no_memory(err);
    }
    if (status == STATUS_OK) {
        status = write_durably(shelf, file, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    account_for_group(shelf, file);
    for (size_t i = 0; i < count; i++) {
        struct shelf_place place;
        if (take_off(shelf, removals[i].log_id, removals[i].refusal.position, &place)) {
            shelf_blank(shelf, &place);
            removed++;
        }
    }
    *out_removed = removed;
    return STATUS_OK;
}
