#pragma once
/*
 * Writes commits: the active segment, the next one reserved ahead, and what happens when the disk
 * is full or fails. Only the committer's thread (and opening and closing, when there is none).
 */
#include "base/clock.h"
#include "base/histogram.h"
#include "base/logger.h"
#include "infrastructure/event_log_local/append_queue.h"
#include "infrastructure/event_log_local/log_id.h"
#include "infrastructure/event_log_local/segment_format.h"
#include "infrastructure/event_log_local/segment_list.h"

enum {
    COMMIT_APPENDS_MAX = 1023, /* with the header as many parts as one write takes */
    COMMIT_BYTES_MAX = 8 << 20 /* a single larger append goes alone */
};

/* A file with reserved space. */
struct segment_file {
    struct disk_file *file; /* NULL: none */
    uint64_t ordinal;
    uint64_t used;     /* bytes of commits */
    uint64_t written;  /* bytes up to which something was written, commits or zeros ahead of them */
    uint64_t reserved; /* bytes that can be written without asking for space */
};

struct commit_writer {
    struct disk *disk;
    const char *directory;
    const struct clock *clock;
    const struct logger *logger;
    struct segment_list *list;
    uint64_t segment_bytes;
    bool opens_full; /* as in the log's configuration */
    struct uuid log_id;
    enum log_id_format format;

    struct segment_file active;
    struct segment_file ahead; /* the next segment */
    uint64_t ahead_retry_ns;   /* not before, after work ahead that failed; 0: it went well */
    uint64_t commit_bytes;     /* of the newest commit written or tried */
    uint64_t sequence;         /* of the newest header written or tried */
    int64_t next_offset;
    bool sealed;   /* the last commit is a seal */
    bool poisoned; /* a sync failed, or half a commit could not be taken back: never write again */

    /* What the committer has done, for any thread to read. */
    struct histogram commits;       /* that went well, from the first byte to the end of the sync */
    struct histogram syncs;         /* of these */
    _Atomic uint64_t bytes_written; /* by these */
    _Atomic uint64_t failures;      /* that poisoned the writer */

    struct iovec parts[COMMIT_APPENDS_MAX + 1];
};

/* Makes the records one durable commit and says at which offset each ends (its highest). NO_SPACE:
 * nothing of it is in the log, a later one may do better. UNAVAILABLE: likewise, unless `poisoned`
 * is set. */
MUST_USE enum status commit_writer_write(struct commit_writer *writer,
                                         struct append_record *const *records, size_t count,
                                         struct position *out_reached, struct error *err);

/* With nothing else to do: reserves the next segment when the active one is half full, and writes
 * zeros ahead of small commits. Fails only when that poisons the writer. */
MUST_USE enum status commit_writer_work_ahead(struct commit_writer *writer, struct error *err);

/* With nothing to commit: whether a commit of the newest one's size would find room now, and a disk
 * that takes it. As commit_writer_write. */
MUST_USE enum status commit_writer_look(struct commit_writer *writer, struct error *err);

/* Makes the first segment of an empty log. On a disk without room for it, and with `opens_full`,
 * only its name is made: nothing is reserved then, and commits ask for room. */
MUST_USE enum status commit_writer_begin(struct commit_writer *writer, struct error *err);

/* A clean stop: seals, cuts to the used length, syncs, removes what was reserved ahead. The seal
 * goes into a segment of its own when all activities are below `covered`. */
void commit_writer_close(struct commit_writer *writer, int64_t covered);

/* Closes the files and does nothing else. */
void commit_writer_abandon(struct commit_writer *writer);
