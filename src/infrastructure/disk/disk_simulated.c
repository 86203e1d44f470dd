#include "infrastructure/disk/disk_simulated.h"

#include "base/assert.h"
#include "base/random.h"
#include "infrastructure/disk/simulated_image.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 4096, PENDING_MAX = 4096 };

/* A file lives until the disk is freed, named or not: tests are short. */
struct node {
    struct node *next;
    struct simulated_image image;
    unsigned handles;
    bool is_directory;
    bool locked;
};

struct name {
    char *path;
    struct node *node;
};

struct name_list {
    struct name items[NAMES_MAX];
    size_t count;
};

/* A change of names that is not durable yet: `from` goes away (NULL: nothing does), `to` comes. */
struct pending {
    char *from;
    char *to;
    struct node *node;
};

struct disk_simulated {
    struct disk disk;
    struct disk_simulated_options options;
    pthread_mutex_t mutex;
    pthread_cond_t syncs_released;
    struct random_seeded generator;
    struct random random;
    struct node *nodes;
    struct name_list shown;
    struct name_list durable;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    uint64_t count;
    uint64_t fail_at; /* in terms of count; 0: never */
    int fail_cause;
    bool fail_on;
    uint64_t cut_at; /* in terms of count; 0: never */
    uint64_t capacity;
    uint64_t generation; /* of the power: a handle of an older one is dead */
    bool powered;
    bool hold_syncs;
};

struct simulated_file {
    struct disk_file file;
    struct disk_simulated *disk;
    struct node *node;
    uint64_t generation;
    bool holds_lock;
    char *path;
};

/* What an operation needs, which decides whether a full disk can fail it. */
enum need { NEEDS_NOTHING, NEEDS_SPACE };

static struct disk_simulated *simulated_of(struct disk *disk)
{
    return CONTAINER_OF(disk, struct disk_simulated, disk);
}

static struct simulated_file *file_of(struct disk_file *file)
{
    return CONTAINER_OF(file, struct simulated_file, file);
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    ASSERT(copy != NULL);
    return copy;
}

/* Names ------------------------------------------------------------------------------------- */

static struct node *names_find(const struct name_list *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0) {
            return names->items[i].node;
        }
    }
    return NULL;
}

static void names_drop(struct name_list *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0) {
            free(names->items[i].path);
            names->items[i] = names->items[--names->count];
            return;
        }
    }
}

static void names_put(struct name_list *names, const char *path, struct node *node)
{
    names_drop(names, path);
    ASSERT(names->count < NAMES_MAX);
    names->items[names->count++] = (struct name){.path = copy_text(path), .node = node};
}

static void names_clear(struct name_list *names)
{
    while (names->count > 0) {
        free(names->items[--names->count].path);
    }
}

static void names_copy(struct name_list *to, const struct name_list *from)
{
    names_clear(to);
    for (size_t i = 0; i < from->count; i++) {
        names_put(to, from->items[i].path, from->items[i].node);
    }
}

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    return strncmp(path, directory, len) == 0 && path[len] == '/';
}

/* What was below one folder is below another. */
static void move_path(char **path, const char *from, const char *to)
{
    if (*path == NULL || !is_below(*path, from)) {
        return;
    }
    char moved[DISK_PATH_BYTES_MAX];
    int len = snprintf(moved, sizeof moved, "%s%s", to, *path + strlen(from));
    ASSERT(len > 0 && len < DISK_PATH_BYTES_MAX);
    free(*path);
    *path = copy_text(moved);
}

static void names_move(struct name_list *names, const char *from, const char *to)
{
    for (size_t i = 0; i < names->count; i++) {
        move_path(&names->items[i].path, from, to);
    }
}

/* The length of the directory's part of a path; 0: the root ".", which is always there. */
static size_t parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static bool is_in(const char *path, const char *directory)
{
    size_t len = parent_len(path);
    if (strcmp(directory, ".") == 0) {
        return len == 0;
    }
    return len == strlen(directory) && memcmp(path, directory, len) == 0;
}

static bool parent_exists(const struct name_list *names, const char *path)
{
    size_t len = parent_len(path);
    if (len == 0) {
        return true;
    }
    for (size_t i = 0; i < names->count; i++) {
        const struct name *name = &names->items[i];
        if (name->node->is_directory && strlen(name->path) == len &&
            memcmp(name->path, path, len) == 0) {
            return true;
        }
    }
    return false;
}

static void change_names(struct disk_simulated *disk, const char *from, const char *to,
                         struct node *node)
{
    ASSERT(disk->pending_count < PENDING_MAX);
    disk->pending[disk->pending_count++] =
        (struct pending){.from = from == NULL ? NULL : copy_text(from),
                         .to = to == NULL ? NULL : copy_text(to),
                         .node = node};
    if (from != NULL) {
        names_drop(&disk->shown, from);
    }
    if (to != NULL) {
        names_put(&disk->shown, to, node);
    }
    if (from != NULL && to != NULL && node->is_directory) {
        names_move(&disk->shown, from, to);
    }
}

static void settle(struct disk_simulated *disk, struct pending *pending, bool keep)
{
    if (keep && pending->from != NULL) {
        names_drop(&disk->durable, pending->from);
    }
    if (keep && pending->to != NULL) {
        names_put(&disk->durable, pending->to, pending->node);
    }
    if (keep && pending->from != NULL && pending->to != NULL && pending->node->is_directory) {
        names_move(&disk->durable, pending->from, pending->to);
    }
    free(pending->from);
    free(pending->to);
}

static void sync_names(struct disk_simulated *disk, const char *directory)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->pending_count; i++) {
        struct pending *pending = &disk->pending[i];
        const char *path = pending->to != NULL ? pending->to : pending->from;
        if (is_in(path, directory)) {
            settle(disk, pending, true);
        } else {
            disk->pending[kept++] = *pending;
        }
    }
    disk->pending_count = kept;
}

/* A name whose directory did not survive is gone with it. */
static void drop_orphans(struct name_list *names)
{
    for (size_t i = 0; i < names->count;) {
        if (parent_exists(names, names->items[i].path)) {
            i++;
        } else {
            names_drop(names, names->items[i].path);
            i = 0;
        }
    }
}

/* Power and faults -------------------------------------------------------------------------- */

static void cut_power(struct disk_simulated *disk)
{
    if (!disk->powered) {
        return;
    }
    disk->powered = false;
    disk->generation++;
    for (size_t i = 0; i < disk->pending_count; i++) {
        settle(disk, &disk->pending[i], random_below(&disk->random, 2) == 0);
    }
    disk->pending_count = 0;
    drop_orphans(&disk->durable);
    names_copy(&disk->shown, &disk->durable);
    for (struct node *node = disk->nodes; node != NULL; node = node->next) {
        simulated_image_cut_power(&node->image, &disk->random);
        node->locked = false;
    }
    pthread_cond_broadcast(&disk->syncs_released);
}

/* Counts an operation and returns the errno it must fail with, 0 for none. */
static int begin(struct disk_simulated *disk, enum need need)
{
    if (!disk->powered) {
        return EIO;
    }
    disk->count++;
    if (disk->cut_at != 0 && disk->count >= disk->cut_at && need == NEEDS_NOTHING) {
        cut_power(disk);
        return EIO;
    }
    bool due = disk->fail_at != 0 &&
               (disk->count == disk->fail_at || (disk->fail_on && disk->count > disk->fail_at));
    bool spared = disk->fail_cause == ENOSPC && need != NEEDS_SPACE;
    return due && !spared ? disk->fail_cause : 0;
}

static int begin_file(struct simulated_file *file, enum need need)
{
    return file->generation == file->disk->generation ? begin(file->disk, need) : EIO;
}

/* Operations that need space do their work before the power goes, so that it can tear. */
static int end(struct disk_simulated *disk, int cause)
{
    if (disk->powered && disk->cut_at != 0 && disk->count >= disk->cut_at) {
        cut_power(disk);
        return EIO;
    }
    return cause;
}

static uint64_t bytes_used(const struct disk_simulated *disk)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < disk->shown.count; i++) {
        bytes += disk->shown.items[i].node->image.shown_size;
    }
    return bytes;
}

static bool fits(struct disk_simulated *disk, const struct node *node, uint64_t size)
{
    uint64_t present = node->image.shown_size;
    return size <= present || bytes_used(disk) + (size - present) <= disk->capacity;
}

static enum status answer(struct disk_simulated *disk, int cause, const char *operation,
                          const char *path, struct error *err)
{
    pthread_mutex_unlock(&disk->mutex);
    return cause == 0 ? STATUS_OK : disk_error(err, cause, operation, path);
}

/* Files ------------------------------------------------------------------------------------- */

static size_t shorten(struct disk_simulated *disk, size_t len)
{
    if (disk->options.short_writes && len > 1) {
        return 1 + (size_t)random_below(&disk->random, len);
    }
    return len;
}

static enum status simulated_read(struct disk_file *base, uint64_t offset, struct iovec into,
                                  size_t *out_len, struct error *err)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    int cause = begin_file(file, NEEDS_NOTHING);
    if (cause == 0) {
        const struct simulated_image *image = &file->node->image;
        size_t present = offset >= image->shown_size ? 0 : image->shown_size - (size_t)offset;
        size_t len = into.iov_len < present ? into.iov_len : present;
        len = shorten(file->disk, len);
        if (len > 0) {
            memcpy(into.iov_base, image->shown + offset, len);
        }
        *out_len = len;
    }
    return answer(file->disk, cause, "cannot read", file->path, err);
}

/* Writes at most `len_max` bytes of the parts; stops where the disk is full. */
static size_t write_parts(struct simulated_file *file, uint64_t offset, struct disk_parts parts,
                          size_t len_max)
{
    size_t total = 0;
    for (size_t i = 0; i < parts.count && total < len_max; i++) {
        size_t len = parts.items[i].iov_len;
        len = len < len_max - total ? len : len_max - total;
        if (!fits(file->disk, file->node, offset + total + len)) {
            break;
        }
        simulated_image_write(&file->node->image, (size_t)offset + total, parts.items[i].iov_base,
                              len);
        total += len;
    }
    return total;
}

static enum status simulated_write(struct disk_file *base, uint64_t offset, struct disk_parts parts,
                                   size_t *out_len, struct error *err)
{
    struct simulated_file *file = file_of(base);
    struct disk_simulated *disk = file->disk;
    size_t wanted = 0;
    for (size_t i = 0; i < parts.count; i++) {
        wanted += parts.items[i].iov_len;
    }
    pthread_mutex_lock(&disk->mutex);
    bool alive = disk->powered && file->generation == disk->generation;
    int cause = begin_file(file, NEEDS_SPACE);
    if (cause == 0) {
        *out_len = write_parts(file, offset, parts, shorten(disk, wanted));
        cause = *out_len == 0 ? ENOSPC : 0;
    } else if (alive) { /* a failed write leaves some of its bytes */
        write_parts(file, offset, parts, (size_t)random_below(&disk->random, wanted + 1));
    }
    return answer(disk, end(disk, cause), "cannot write", file->path, err);
}

static enum status simulated_sync(struct disk_file *base, struct error *err)
{
    struct simulated_file *file = file_of(base);
    struct disk_simulated *disk = file->disk;
    pthread_mutex_lock(&disk->mutex);
    while (disk->hold_syncs && disk->powered) {
        pthread_cond_wait(&disk->syncs_released, &disk->mutex);
    }
    bool alive = disk->powered && file->generation == disk->generation;
    bool full = disk->fail_cause == ENOSPC; /* late allocation: a sync can meet a full disk */
    int cause = begin_file(file, NEEDS_NOTHING);
    if (cause == 0 && full && disk->fail_at != 0 && disk->count == disk->fail_at) {
        cause = ENOSPC;
    }
    if (cause != 0 && alive && disk->powered) {
        simulated_image_fail_sync(&file->node->image, &disk->random);
    } else if (cause == 0 && !disk->options.lying_fsync) {
        simulated_image_sync(&file->node->image);
    }
    return answer(disk, cause, "cannot sync", file->path, err);
}

static enum status simulated_allocate(struct disk_file *base, uint64_t offset, uint64_t len,
                                      struct error *err)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    int cause = begin_file(file, NEEDS_SPACE);
    if (cause == 0 && !fits(file->disk, file->node, offset + len)) {
        cause = ENOSPC;
    }
    if (cause == 0 && offset + len > file->node->image.shown_size) {
        simulated_image_resize(&file->node->image, (size_t)(offset + len));
    }
    return answer(file->disk, end(file->disk, cause), "cannot reserve space in", file->path, err);
}

static enum status simulated_truncate(struct disk_file *base, uint64_t size, struct error *err)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    int cause = begin_file(file, NEEDS_NOTHING);
    if (cause == 0) {
        simulated_image_resize(&file->node->image, (size_t)size);
    }
    return answer(file->disk, cause, "cannot cut", file->path, err);
}

static enum status simulated_size(struct disk_file *base, uint64_t *out_size, struct error *err)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    int cause = begin_file(file, NEEDS_NOTHING);
    if (cause == 0) {
        *out_size = file->node->image.shown_size;
    }
    return answer(file->disk, cause, "cannot look at", file->path, err);
}

static enum status simulated_lock(struct disk_file *base, struct error *err)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    int cause = begin_file(file, NEEDS_NOTHING);
    if (cause == 0 && file->node->locked) {
        cause = EWOULDBLOCK;
    }
    if (cause == 0) {
        file->node->locked = true;
        file->holds_lock = true;
    }
    return answer(file->disk, cause, "cannot lock", file->path, err);
}

static void simulated_close(struct disk_file *base)
{
    struct simulated_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->mutex);
    file->node->handles--;
    if (file->holds_lock && file->generation == file->disk->generation) {
        file->node->locked = false;
    }
    pthread_mutex_unlock(&file->disk->mutex);
    free(file->path);
    free(file);
}

static const struct disk_file_operations simulated_file_operations = {
    .read = simulated_read,
    .write = simulated_write,
    .sync = simulated_sync,
    .allocate = simulated_allocate,
    .truncate = simulated_truncate,
    .size = simulated_size,
    .lock = simulated_lock,
    .close = simulated_close,
};

/* The disk ---------------------------------------------------------------------------------- */

static struct node *make_node(struct disk_simulated *disk, bool is_directory)
{
    struct node *node = calloc(1, sizeof *node);
    ASSERT(node != NULL);
    node->is_directory = is_directory;
    node->next = disk->nodes;
    disk->nodes = node;
    return node;
}

static bool is_new(enum disk_mode mode)
{
    return mode == DISK_MAKE || mode == DISK_MAKE_SECRET;
}

/* Finds or makes the node of a file; the errno when the mode forbids it. */
static int open_node(struct disk_simulated *disk, const char *path, enum disk_mode mode,
                     struct node **out_node)
{
    struct node *node = names_find(&disk->shown, path);
    if (node == NULL) {
        if (mode == DISK_READ || mode == DISK_WRITE || !parent_exists(&disk->shown, path)) {
            return ENOENT;
        }
        node = make_node(disk, false);
        change_names(disk, NULL, path, node);
    } else if (is_new(mode)) {
        return EEXIST;
    }
    *out_node = node;
    return 0;
}

static enum status simulated_open(struct disk *base, const char *path, enum disk_mode mode,
                                  struct disk_file **out_file, struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    struct simulated_file *file = calloc(1, sizeof *file);
    ASSERT(file != NULL);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, is_new(mode) ? NEEDS_SPACE : NEEDS_NOTHING);
    if (cause == 0) {
        cause = open_node(disk, path, mode, &file->node);
    }
    cause = end(disk, cause);
    if (cause == 0) {
        file->file.operations = &simulated_file_operations;
        file->disk = disk;
        file->node->handles++;
        file->generation = disk->generation;
        file->path = copy_text(path);
        *out_file = &file->file;
    } else {
        free(file);
    }
    return answer(disk, cause, "cannot open", path, err);
}

static enum status simulated_remove(struct disk *base, const char *path, struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_NOTHING);
    if (cause == 0 && names_find(&disk->shown, path) == NULL) {
        cause = ENOENT;
    }
    if (cause == 0) {
        change_names(disk, path, NULL, NULL);
    }
    return answer(disk, cause, "cannot remove", path, err);
}

/* What is to have the name `to`; ENOENT in `cause`, unless something went wrong before, when it or
 * the folder of that name is not there. */
static struct node *find_for_name(const struct disk_simulated *disk, const char *from,
                                  const char *to, int *cause)
{
    struct node *node = names_find(&disk->shown, from);
    if (*cause == 0 && (node == NULL || !parent_exists(&disk->shown, to))) {
        *cause = ENOENT;
    }
    return node;
}

static enum status simulated_rename(struct disk *base, const char *from, const char *to,
                                    struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_SPACE);
    struct node *node = find_for_name(disk, from, to, &cause);
    if (cause == 0) {
        change_names(disk, from, to, node);
    }
    return answer(disk, end(disk, cause), "cannot rename", from, err);
}

static enum status simulated_link(struct disk *base, const char *from, const char *to,
                                  struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_SPACE);
    struct node *node = find_for_name(disk, from, to, &cause);
    if (cause == 0 && names_find(&disk->shown, to) != NULL) {
        cause = EEXIST;
    }
    if (cause == 0) {
        change_names(disk, NULL, to, node);
    }
    return answer(disk, end(disk, cause), "cannot link", from, err);
}

static enum status simulated_make_directory(struct disk *base, const char *path, struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_SPACE);
    if (cause == 0 && !parent_exists(&disk->shown, path)) {
        cause = ENOENT;
    }
    if (cause == 0 && names_find(&disk->shown, path) == NULL) {
        change_names(disk, NULL, path, make_node(disk, true));
    }
    return answer(disk, end(disk, cause), "cannot make the folder", path, err);
}

static enum status simulated_sync_directory(struct disk *base, const char *path, struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_NOTHING);
    if (cause == 0 && !disk->options.lying_fsync) {
        sync_names(disk, path);
    }
    return answer(disk, cause, "cannot sync the folder", path, err);
}

static enum status simulated_list(struct disk *base, const char *path, disk_visit *visit,
                                  void *context, struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_NOTHING);
    if (cause == 0 && strcmp(path, ".") != 0 && names_find(&disk->shown, path) == NULL) {
        cause = ENOENT;
    }
    for (size_t i = 0; cause == 0 && i < disk->shown.count; i++) {
        const char *name = disk->shown.items[i].path;
        if (is_in(name, path)) {
            visit(context, parent_len(name) == 0 ? name : name + parent_len(name) + 1);
        }
    }
    return answer(disk, cause, "cannot list the folder", path, err);
}

static enum status simulated_free_bytes(struct disk *base, const char *path, uint64_t *out_bytes,
                                        struct error *err)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    int cause = begin(disk, NEEDS_NOTHING);
    if (cause == 0) {
        uint64_t used = bytes_used(disk);
        *out_bytes = used < disk->capacity ? disk->capacity - used : 0;
    }
    return answer(disk, cause, "cannot ask for free space at", path, err);
}

static const struct disk_operations simulated_operations = {
    .open = simulated_open,
    .remove = simulated_remove,
    .rename = simulated_rename,
    .make_directory = simulated_make_directory,
    .sync_directory = simulated_sync_directory,
    .list = simulated_list,
    .free_bytes = simulated_free_bytes,
    .link = simulated_link,
};

struct disk *disk_simulated_new(const struct disk_simulated_options *options)
{
    struct disk_simulated *disk = calloc(1, sizeof *disk);
    ASSERT(disk != NULL);
    disk->disk.operations = &simulated_operations;
    disk->options = *options;
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_cond_init(&disk->syncs_released, NULL);
    disk->random = random_from_seed(&disk->generator, options->seed);
    disk->capacity = UINT64_MAX;
    disk->powered = true;
    return &disk->disk;
}

void disk_simulated_free(struct disk *base)
{
    if (base == NULL) {
        return;
    }
    struct disk_simulated *disk = simulated_of(base);
    for (size_t i = 0; i < disk->pending_count; i++) {
        settle(disk, &disk->pending[i], false);
    }
    names_clear(&disk->shown);
    names_clear(&disk->durable);
    while (disk->nodes != NULL) {
        struct node *node = disk->nodes;
        ASSERT(node->handles == 0);
        disk->nodes = node->next;
        simulated_image_deinit(&node->image);
        free(node);
    }
    pthread_cond_destroy(&disk->syncs_released);
    pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

uint64_t disk_simulated_count(struct disk *base)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    uint64_t count = disk->count;
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

void disk_simulated_fail_at(struct disk *base, uint64_t nth, int cause, bool from_then_on)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    disk->fail_at = nth == 0 ? 0 : disk->count + nth;
    disk->fail_cause = cause;
    disk->fail_on = from_then_on;
    pthread_mutex_unlock(&disk->mutex);
}

void disk_simulated_cut_power_at(struct disk *base, uint64_t nth)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    disk->cut_at = nth == 0 ? 0 : disk->count + nth;
    pthread_mutex_unlock(&disk->mutex);
}

void disk_simulated_cut_power(struct disk *base)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    cut_power(disk);
    pthread_mutex_unlock(&disk->mutex);
}

void disk_simulated_power_on(struct disk *base)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    disk->powered = true;
    disk->cut_at = 0;
    disk->fail_at = 0;
    pthread_mutex_unlock(&disk->mutex);
}

void disk_simulated_set_capacity(struct disk *base, uint64_t bytes)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    disk->capacity = bytes;
    pthread_mutex_unlock(&disk->mutex);
}

void disk_simulated_hold_syncs(struct disk *base, bool hold)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    disk->hold_syncs = hold;
    pthread_cond_broadcast(&disk->syncs_released);
    pthread_mutex_unlock(&disk->mutex);
}

bool disk_simulated_flip_bit(struct disk *base, const char *path, uint64_t bit)
{
    struct disk_simulated *disk = simulated_of(base);
    pthread_mutex_lock(&disk->mutex);
    struct node *node = names_find(&disk->shown, path);
    bool present = node != NULL && !node->is_directory && bit / 8 < node->image.shown_size;
    if (present) {
        node->image.shown[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        node->image.durable[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    pthread_mutex_unlock(&disk->mutex);
    return present;
}
