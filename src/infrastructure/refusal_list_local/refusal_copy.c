#include "infrastructure/refusal_list_local/refusal_copy.h"

#include "base/array.h"
#include "infrastructure/refusal_list_local/shelf.h"

#include <stdio.h>
#include <stdlib.h>

/* By then only what comes during the last round can be in question, and where a server refuses that
 * much without an end there would be no end here, either. */
enum { ROUNDS_MAX = 100 };

struct copied {
    uint64_t number;
    uint64_t bytes; /* so far */
};

struct copying {
    struct disk *disk;
    const char *from;
    const char *to;
    struct copied *files; /* oldest first, when they are sorted */
    size_t count;
    size_t capacity;
    bool no_memory;
};

static bool is_known(const struct copying *copying, uint64_t number)
{
    for (size_t i = 0; i < copying->count; i++) {
        if (copying->files[i].number == number) {
            return true;
        }
    }
    return false;
}

static void see_name(void *context, const char *name)
{
    struct copying *copying = context;
    uint64_t number;
    if (!shelf_parse_name(name, &number) || is_known(copying, number) || copying->no_memory) {
        return;
    }
    copying->no_memory = !ARRAY_RESERVE(copying->files, copying->capacity, copying->count + 1);
    if (!copying->no_memory) {
        copying->files[copying->count++] = (struct copied){.number = number};
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const struct copied *left = a;
    const struct copied *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* One that got shorter was cut where a group could not be written, and begins anew, as one does
 * that an earlier call left. */
static enum status copy_news(struct disk_file *from, struct disk_file *to, struct copied *file,
                             uint64_t *out_news, struct error *err)
{
    uint64_t size = 0;
    enum status status = disk_file_size(from, &size, err);
    if (status == STATUS_OK && (size < file->bytes || file->bytes == 0)) {
        file->bytes = 0;
        status = disk_file_truncate(to, 0, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_copy(from, to, file->bytes, size, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_sync(to, err);
    }
    if (status == STATUS_OK) {
        *out_news += size - file->bytes;
        file->bytes = size;
    }
    return status;
}

static enum status copy_file(struct copying *copying, struct copied *file, uint64_t *out_news,
                             struct error *err)
{
    char from_path[DISK_PATH_BYTES_MAX];
    char to_path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *from = NULL;
    CLEANUP(disk_file_close) struct disk_file *to = NULL;
    enum status status = shelf_file_path(copying->from, file->number, from_path, err);
    if (status == STATUS_OK) {
        status = shelf_file_path(copying->to, file->number, to_path, err);
    }
    if (status == STATUS_OK) {
        status = disk_open(copying->disk, from_path, DISK_READ, &from, err);
    }
    if (status == STATUS_NOT_FOUND) { /* removed since the list is full */
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = disk_open(copying->disk, to_path, DISK_WRITE_OR_MAKE, &to, err);
    }
    return status == STATUS_OK ? copy_news(from, to, file, out_news, err) : status;
}

/* Everything that is there now and was not before. */
static enum status copy_round(struct copying *copying, uint64_t *out_news, struct error *err)
{
    *out_news = 0;
    enum status status = disk_list(copying->disk, copying->from, see_name, copying, err);
    if (status == STATUS_OK && copying->no_memory) {
        status = shelf_no_memory(err);
    }
    if (status == STATUS_OK && copying->count > 0) {
        qsort(copying->files, copying->count, sizeof *copying->files, compare_numbers);
    }
    for (size_t i = 0; status == STATUS_OK && i < copying->count; i++) {
        status = copy_file(copying, &copying->files[i], out_news, err);
    }
    return status;
}

enum status refusal_list_local_copy(struct disk *disk, const char *from, const char *to,
                                    uint64_t *out_bytes, struct error *err)
{
    struct copying copying = {.disk = disk, .from = from, .to = to};
    uint64_t bytes = 0;
    uint64_t news = 1;
    enum status status = STATUS_OK;
    for (unsigned round = 0; status == STATUS_OK && news > 0 && round < ROUNDS_MAX; round++) {
        status = copy_round(&copying, &news, err);
        bytes += news;
    }
    free(copying.files);
    if (status == STATUS_OK) {
        *out_bytes = bytes;
    }
    return status;
}
