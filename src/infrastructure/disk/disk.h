#pragma once
/*
 * What the files of a log or a store need of a disk, as a const table of operations, so that tests
 * can own the disk: disk_posix is the machine's, disk_simulated loses power and fails on command.
 *
 * Nothing written is safe before disk_file_sync returned OK, no name before disk_sync_directory
 * did; after either failed nobody may ask again and believe the answer. Failures are NO_SPACE,
 * NOT_FOUND, DUPLICATE, BUSY (lock), NO_MEMORY, else UNAVAILABLE; `err` names operation and file.
 * Threads: a disk from any thread; a file from any thread, one writer at a time.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk;
struct disk_file;

enum disk_mode {
    DISK_READ,         /* an existing file, for reading */
    DISK_WRITE,        /* an existing file, for reading and writing */
    DISK_MAKE,         /* a new file; DUPLICATE when there is one */
    DISK_MAKE_SECRET,  /* the same, for nobody else to look into */
    DISK_WRITE_OR_MAKE /* whichever applies */
};

enum { DISK_PATH_BYTES_MAX = 1024 }; /* with the terminator */

/* Hears of each name in a directory, files and folders alike. Not in any order; may not use the
 * disk. */
typedef void disk_visit(void *context, const char *name);

struct disk_parts {
    const struct iovec *items;
    size_t count; /* >= 1 */
};

struct disk_operations {
    enum status (*open)(struct disk *disk, const char *path, enum disk_mode mode,
                        struct disk_file **out_file, struct error *err);
    enum status (*remove)(struct disk *disk, const char *path, struct error *err);
    enum status (*rename)(struct disk *disk, const char *from, const char *to, struct error *err);
    enum status (*make_directory)(struct disk *disk, const char *path, struct error *err);
    enum status (*sync_directory)(struct disk *disk, const char *path, struct error *err);
    enum status (*list)(struct disk *disk, const char *path, disk_visit *visit, void *context,
                        struct error *err);
    enum status (*free_bytes)(struct disk *disk, const char *path, uint64_t *out_bytes,
                              struct error *err);
    enum status (*link)(struct disk *disk, const char *from, const char *to, struct error *err);
};

struct disk_file_operations {
    /* Both may do less than asked; the wrappers go on. 0 bytes read: the end. */
    enum status (*read)(struct disk_file *file, uint64_t offset, struct iovec into, size_t *out_len,
                        struct error *err);
    enum status (*write)(struct disk_file *file, uint64_t offset, struct disk_parts parts,
                         size_t *out_len, struct error *err);
    enum status (*sync)(struct disk_file *file, struct error *err);
    enum status (*allocate)(struct disk_file *file, uint64_t offset, uint64_t len,
                            struct error *err);
    enum status (*truncate)(struct disk_file *file, uint64_t size, struct error *err);
    enum status (*size)(struct disk_file *file, uint64_t *out_size, struct error *err);
    enum status (*lock)(struct disk_file *file, struct error *err);
    void (*close)(struct disk_file *file);
};

/* Embedded first in every adapter. */
struct disk {
    const struct disk_operations *operations;
};

struct disk_file {
    const struct disk_file_operations *operations;
};

MUST_USE enum status disk_open(struct disk *disk, const char *path, enum disk_mode mode,
                               struct disk_file **out_file, struct error *err);
/* A file, or a folder with nothing in it. */
MUST_USE enum status disk_remove(struct disk *disk, const char *path, struct error *err);

/* Gives the file `from` another name. Both are of one file: what is written by one is read by the
 * other. DUPLICATE: `to` is there. INVALID: these two places do not share files. */
MUST_USE enum status disk_link(struct disk *disk, const char *from, const char *to,
                               struct error *err);

/* Replaces `to` at once, if there is one. */
MUST_USE enum status disk_rename(struct disk *disk, const char *from, const char *to,
                                 struct error *err);

/* OK when it is there already. Its parent must exist. */
MUST_USE enum status disk_make_directory(struct disk *disk, const char *path, struct error *err);

/* The same, and its name is durable when this returns. */
MUST_USE enum status disk_make_durable_directory(struct disk *disk, const char *path,
                                                 struct error *err);

/* Makes the names in the directory durable: what was made, renamed and removed. */
MUST_USE enum status disk_sync_directory(struct disk *disk, const char *path, struct error *err);

/* The same of the folder in which `path` lies, as far as its text tells. */
MUST_USE enum status disk_sync_parent(struct disk *disk, const char *path, struct error *err);

MUST_USE enum status disk_list(struct disk *disk, const char *path, disk_visit *visit,
                               void *context, struct error *err);

/* What an ordinary user may still write. */
MUST_USE enum status disk_free_bytes(struct disk *disk, const char *path, uint64_t *out_bytes,
                                     struct error *err);

/* Fills `into` from `offset` on; less only at the end of the file. */
MUST_USE enum status disk_file_read(struct disk_file *file, uint64_t offset, struct iovec into,
                                    size_t *out_len, struct error *err);

/* Writes all parts one behind the other. On failure any of it may have been written. */
MUST_USE enum status disk_file_write(struct disk_file *file, uint64_t offset,
                                     const struct iovec *parts, size_t count, struct error *err);

/* Content and size of the file are durable when this returns OK, and it still has a name. */
MUST_USE enum status disk_file_sync(struct disk_file *file, struct error *err);

/* Reserves space that reads as zeros where nothing is written; makes the file longer if needed. */
MUST_USE enum status disk_file_allocate(struct disk_file *file, uint64_t offset, uint64_t len,
                                        struct error *err);

MUST_USE enum status disk_file_truncate(struct disk_file *file, uint64_t size, struct error *err);

MUST_USE enum status disk_file_size(struct disk_file *file, uint64_t *out_size, struct error *err);

/* Exclusive over all processes until the file is closed; BUSY when another holds it. */
MUST_USE enum status disk_file_lock(struct disk_file *file, struct error *err);

/* Takes NULL. */
void disk_file_close(struct disk_file *file);
CLEANUP_FUNCTION(struct disk_file *, disk_file_close)

/* Copies the bytes [begin, end) to the same place in `to`; they are not durable yet. UNAVAILABLE
 * also when the file ends before. */
MUST_USE enum status disk_file_copy(struct disk_file *from, struct disk_file *to, uint64_t begin,
                                    uint64_t end, struct error *err);

/* A file that somebody named. */
struct disk_named_file {
    struct disk *disk;
    const char *path;
    const char *what; /* it should be, for a person */
};

/* Fills `into` from the beginning of the file; what is behind the end of `into` is not read.
 * INVALID: there is no such file. */
MUST_USE enum status disk_read_named(const struct disk_named_file *named, struct iovec into,
                                     size_t *out_len, struct error *err);

/* "directory/name" into `out_path`; INVALID when it is too long. */
MUST_USE enum status disk_path(const char *directory, const char *name,
                               char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* The folder in which `path` lies, as far as its text tells; INVALID when it is too long. */
MUST_USE enum status disk_parent(const char *path, char out_parent[DISK_PATH_BYTES_MAX],
                                 struct error *err);

/* For adapters: turns the errno of a failed operation into a status and a sentence. */
MUST_USE enum status disk_error(struct error *err, int cause, const char *operation,
                                const char *path);
