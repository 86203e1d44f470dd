#include "infrastructure/activity_store_local/stored_part.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPARE_VIEWS = 8 };

struct stored_part {
    atomic_uint references;
    atomic_bool dropped;
    struct disk *disk;
    struct part *part;
    struct part_name name;
    uint64_t bytes;
    pthread_mutex_t mutex; /* guards the views */
    struct part_view *views[SPARE_VIEWS];
    size_t view_count;
    char path[DISK_PATH_BYTES_MAX];
};

enum status stored_part_path(const char *directory, uint64_t number,
                             char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%016" PRIx64 ".part", number);
    return disk_path(directory, name, out_path, err);
}

uint64_t stored_part_number_of(const char *name)
{
    char again[32];
    uint64_t number = strtoull(name, NULL, 16);
    snprintf(again, sizeof again, "%016" PRIx64 ".part", number);
    return str_equal(str_from(name), str_from(again)) ? number : 0;
}

enum status stored_part_open(struct disk *disk, const char *directory, const struct part_name *name,
                             struct stored_part **out_part, struct error *err)
{
    struct stored_part *part = calloc(1, sizeof *part);
    if (part == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to open a part");
    }
    part->disk = disk;
    part->name = *name;
    enum status status = stored_part_path(directory, name->number, part->path, err);
    if (status == STATUS_OK) {
        status = part_open(disk, part->path, name, &part->part, err);
    }
    if (status != STATUS_OK) {
        free(part);
        return status;
    }
    part->bytes = part_size(part->part);
    atomic_init(&part->references, 1);
    pthread_mutex_init(&part->mutex, NULL);
    *out_part = part;
    return STATUS_OK;
}

struct stored_part *stored_part_ref(struct stored_part *part)
{
    atomic_fetch_add_explicit(&part->references, 1, memory_order_relaxed);
    return part;
}

void stored_part_unref(struct stored_part *part)
{
    if (part == NULL || atomic_fetch_sub_explicit(&part->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < part->view_count; i++) {
        part_view_free(part->views[i]);
    }
    part_close(part->part);
    if (atomic_load(&part->dropped)) {
        /* If it stays, the next start finds that no manifest names it, and removes it. */
        enum status removed = disk_remove(part->disk, part->path, NULL);
        (void)removed;
    }
    pthread_mutex_destroy(&part->mutex);
    free(part);
}

void stored_part_drop(struct stored_part *part)
{
    atomic_store(&part->dropped, true);
}

struct part *stored_part_reader(const struct stored_part *part)
{
    return part->part;
}

uint64_t stored_part_number(const struct stored_part *part)
{
    return part->name.number;
}

uint64_t stored_part_bytes(const struct stored_part *part)
{
    return part->bytes;
}

enum status stored_part_take_view(struct stored_part *part, struct part_view **out_view,
                                  struct error *err)
{
    struct part_view *view = NULL;
    pthread_mutex_lock(&part->mutex);
    if (part->view_count > 0) {
        view = part->views[--part->view_count];
    }
    pthread_mutex_unlock(&part->mutex);
    if (view == NULL) {
        return part_view_new(part->part, out_view, err);
    }
    *out_view = view;
    return STATUS_OK;
}

void stored_part_give_view(struct stored_part *part, struct part_view *view)
{
    pthread_mutex_lock(&part->mutex);
    if (view != NULL && part->view_count < SPARE_VIEWS) {
        part->views[part->view_count++] = view;
        view = NULL;
    }
    pthread_mutex_unlock(&part->mutex);
    part_view_free(view);
}
