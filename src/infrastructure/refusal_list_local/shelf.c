/* The files as a whole: made, dropped, opened and closed. */
#include "infrastructure/refusal_list_local/shelf.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 32 };

enum status shelf_no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for refused activities");
}

/* Files with higher numbers are somebody else's: no list gets as far. */
#define NUMBER_MAX UINT64_C(1000000000000000)

static void write_name(uint64_t number, char out_name[NAME_BYTES])
{
    snprintf(out_name, NAME_BYTES, "%010llu.refused", (unsigned long long)number);
}

bool shelf_parse_name(const char *name, uint64_t *out_number)
{
    struct str digits = str_from(name);
    unsigned long long number;
    char canonical[NAME_BYTES];
    digits.len = strcspn(name, ".");
    if (!str_parse_u64(digits, NUMBER_MAX, &number)) {
        return false;
    }
    write_name(number, canonical);
    *out_number = number;
    return strcmp(name, canonical) == 0;
}

enum status shelf_file_path(const char *directory, uint64_t number,
                            char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    char name[NAME_BYTES];
    write_name(number, name);
    return disk_path(directory, name, out_path, err);
}

struct shelf_file *shelf_add_file(struct shelf *shelf, uint64_t number)
{
    if (!ARRAY_RESERVE(shelf->files, shelf->file_capacity, shelf->file_count + 1)) {
        return NULL;
    }
    struct shelf_file *file = calloc(1, sizeof *file);
    if (file != NULL) {
        file->number = number;
        shelf->files[shelf->file_count++] = file;
        shelf->next_number = number + 1;
    }
    return file;
}

enum status shelf_open_file(struct shelf *shelf, struct shelf_file *file, enum disk_mode mode,
                            struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = shelf_file_path(shelf->directory, file->number, path, err);
    return status == STATUS_OK ? disk_open(shelf->config.disk, path, mode, &file->handle, err)
                               : status;
}

static void forget_last_file(struct shelf *shelf)
{
    pthread_mutex_lock(&shelf->mutex);
    struct shelf_file *file = shelf->files[--shelf->file_count];
    pthread_mutex_unlock(&shelf->mutex);
    disk_file_close(file->handle);
    free(file);
}

static enum status remove_file(struct shelf *shelf, const struct shelf_file *file,
                               struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = shelf_file_path(shelf->directory, file->number, path, err);
    if (status == STATUS_OK) {
        status = disk_remove(shelf->config.disk, path, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status shelf_remove_last_file(struct shelf *shelf, struct error *err)
{
    const struct shelf_file *file = shelf->files[shelf->file_count - 1];
    ASSERT(file->listed == 0);
    enum status status = remove_file(shelf, file, err);
    if (status == STATUS_OK) {
        forget_last_file(shelf);
    }
    return status;
}

enum status shelf_make_file(struct shelf *shelf, struct error *err)
{
    pthread_mutex_lock(&shelf->mutex);
    struct shelf_file *file = shelf_add_file(shelf, shelf->next_number);
    pthread_mutex_unlock(&shelf->mutex);
    if (file == NULL) {
        return shelf_no_memory(err);
    }
    enum status status = shelf_open_file(shelf, file, DISK_MAKE, err);
    if (status == STATUS_OK) {
        status = disk_sync_directory(shelf->config.disk, shelf->directory, err);
    }
    if (status != STATUS_OK) {
        /* An empty file that stays does no harm. */
        enum status removed = file->handle == NULL ? STATUS_OK : remove_file(shelf, file, NULL);
        (void)removed;
        forget_last_file(shelf);
    }
    return status;
}

void shelf_forget(struct shelf *shelf, struct shelf_entry *entry)
{
    refusal_index_remove(&shelf->index, &entry->item);
    entry->file->listed--;
    free(entry);
}

/* Its entries are the first of the index, but for a clock that was set back. */
static void forget_entries(struct shelf *shelf, const struct shelf_file *file)
{
    size_t at = 0;
    while (file->listed > 0) {
        struct shelf_entry *entry = shelf_entry_of(refusal_index_at(&shelf->index, at));
        if (entry->file == file) {
            shelf->dropped++;
            shelf_forget(shelf, entry);
        } else {
            at++;
        }
    }
}

/* A name that comes back with the power costs nothing but being dropped again. */
static enum status drop_oldest(struct shelf *shelf, struct error *err)
{
    struct shelf_file *file = shelf->files[0];
    enum status status = remove_file(shelf, file, err);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&shelf->mutex);
    forget_entries(shelf, file);
    shelf->bytes -= file->cost;
    shelf->file_count--;
    memmove(shelf->files, shelf->files + 1, shelf->file_count * sizeof(struct shelf_file *));
    pthread_mutex_unlock(&shelf->mutex);
    disk_file_close(file->handle);
    free(file);
    return STATUS_OK;
}

enum status shelf_make_room(struct shelf *shelf, uint64_t cost, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && shelf->file_count > 0 &&
           shelf->bytes + cost > shelf->config.bytes_max) {
        status = drop_oldest(shelf, err);
    }
    return status;
}

/* One that cannot be removed now is when the list is full. */
void shelf_remove_emptied(struct shelf *shelf)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && shelf->file_count > 1 && shelf->files[0]->listed == 0) {
        status = drop_oldest(shelf, NULL);
    }
}

void shelf_close(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->index.count; i++) {
        free(shelf_entry_of(refusal_index_at(&shelf->index, i)));
    }
    while (shelf->file_count > 0) {
        forget_last_file(shelf);
    }
    free(shelf->files);
    refusal_index_deinit(&shelf->index);
    buffer_deinit(&shelf->group);
    disk_lock_release(shelf->lock);
    pthread_mutex_destroy(&shelf->mutex);
    pthread_mutex_destroy(&shelf->writing);
}
