#include "infrastructure/event_log_local/segment_list.h"

#include "base/array.h"
#include "base/assert.h"
#include "base/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void segment_name(uint64_t ordinal, char out_name[SEGMENT_NAME_BYTES])
{
    int len =
        snprintf(out_name, SEGMENT_NAME_BYTES, "%010llu.segment", (unsigned long long)ordinal);
    ASSERT(len > 0 && len < SEGMENT_NAME_BYTES);
}

enum status segment_path(const char *directory, uint64_t ordinal,
                         char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(ordinal, name);
    return disk_path(directory, name, out_path, err);
}

bool segment_name_parse(const char *name, uint64_t *out_ordinal)
{
    static const char suffix[] = ".segment";
    size_t len = strlen(name);
    size_t digits = len < sizeof suffix - 1 ? 0 : len - (sizeof suffix - 1);
    unsigned long long ordinal;
    if (digits < 10 || strcmp(name + digits, suffix) != 0 ||
        !str_parse_u64((struct str){.data = name, .len = digits}, SEGMENT_ORDINAL_MAX, &ordinal)) {
        return false;
    }
    /* One name for one segment: with further zeros in front it is somebody's copy. */
    char canonical[SEGMENT_NAME_BYTES];
    segment_name(ordinal, canonical);
    if (strcmp(name, canonical) != 0) {
        return false;
    }
    *out_ordinal = ordinal;
    return true;
}

void segment_list_init(struct segment_list *list)
{
    *list = (struct segment_list){0};
    pthread_mutex_init(&list->mutex, NULL);
    condition_init(&list->grown);
}

void segment_list_deinit(struct segment_list *list)
{
    free(list->items);
    pthread_cond_destroy(&list->grown);
    pthread_mutex_destroy(&list->mutex);
}

enum status segment_list_add(struct segment_list *list, struct segment segment)
{
    pthread_mutex_lock(&list->mutex);
    bool fits = ARRAY_RESERVE(list->items, list->capacity, list->count + 1);
    if (fits) {
        ASSERT(list->count == 0 || list->items[list->count - 1].ordinal < segment.ordinal);
        list->items[list->count++] = segment;
        list->bytes += segment.used;
    }
    pthread_mutex_unlock(&list->mutex);
    return fits ? STATUS_OK : STATUS_NO_MEMORY;
}

void segment_list_grow(struct segment_list *list, uint64_t used, int64_t end_offset)
{
    pthread_mutex_lock(&list->mutex);
    struct segment *active = &list->items[list->count - 1];
    ASSERT(used >= active->used && end_offset >= list->end_offset);
    list->bytes += used - active->used;
    active->used = used;
    list->end_offset = end_offset;
    pthread_cond_broadcast(&list->grown);
    pthread_mutex_unlock(&list->mutex);
}

int64_t segment_list_end_offset(struct segment_list *list)
{
    pthread_mutex_lock(&list->mutex);
    int64_t offset = list->end_offset;
    pthread_mutex_unlock(&list->mutex);
    return offset;
}

uint64_t segment_list_bytes(struct segment_list *list)
{
    pthread_mutex_lock(&list->mutex);
    uint64_t bytes = list->bytes;
    pthread_mutex_unlock(&list->mutex);
    return bytes;
}

size_t segment_list_count(struct segment_list *list)
{
    pthread_mutex_lock(&list->mutex);
    size_t count = list->count;
    pthread_mutex_unlock(&list->mutex);
    return count;
}

static struct segment_view view_of(const struct segment_list *list, size_t index)
{
    bool active = index + 1 == list->count;
    return (struct segment_view){
        .segment = list->items[index],
        .active = active,
        .bound = active ? list->end_offset : list->items[index + 1].first_offset,
    };
}

bool segment_list_at_or_behind(struct segment_list *list, uint64_t ordinal,
                               struct segment_view *out_view)
{
    pthread_mutex_lock(&list->mutex);
    size_t index = 0;
    size_t end = list->count;
    while (index < end) {
        size_t middle = index + (end - index) / 2;
        if (list->items[middle].ordinal < ordinal) {
            index = middle + 1;
        } else {
            end = middle;
        }
    }
    bool found = index < list->count;
    if (found) {
        *out_view = view_of(list, index);
    }
    pthread_mutex_unlock(&list->mutex);
    return found;
}

void segment_list_holding(struct segment_list *list, int64_t offset, struct segment_view *out_view)
{
    pthread_mutex_lock(&list->mutex);
    ASSERT(list->count > 0);
    size_t index = list->count - 1;
    while (index > 0 && list->items[index].first_offset > offset) {
        index--;
    }
    *out_view = view_of(list, index);
    pthread_mutex_unlock(&list->mutex);
}

bool segment_list_covered(struct segment_list *list, int64_t offset, struct segment *out_segment)
{
    pthread_mutex_lock(&list->mutex);
    bool covered = list->count > 1 && list->items[1].first_offset <= offset &&
                   (list->items[1].used > 0 || list->count > 2);
    if (covered) {
        *out_segment = list->items[0];
    }
    pthread_mutex_unlock(&list->mutex);
    return covered;
}

void segment_list_drop_first(struct segment_list *list)
{
    pthread_mutex_lock(&list->mutex);
    ASSERT(list->count > 1);
    list->bytes -= list->items[0].used;
    list->count--;
    memmove(list->items, list->items + 1, list->count * sizeof *list->items);
    pthread_mutex_unlock(&list->mutex);
}

bool segment_list_wait(struct segment_list *list, int64_t offset, unsigned wait_ms)
{
    pthread_mutex_lock(&list->mutex);
    if (list->end_offset <= offset && wait_ms > 0) {
        struct timespec deadline = condition_deadline(wait_ms);
        while (list->end_offset <= offset &&
               condition_wait_until(&list->grown, &list->mutex, &deadline)) {
        }
    }
    bool grown = list->end_offset > offset;
    pthread_mutex_unlock(&list->mutex);
    return grown;
}
