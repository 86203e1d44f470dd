#pragma once
/*
 * Tails of the local log: each a log_reader of its own over the same segments. A segment that the
 * worker's commits remove while a tail has it open is read to where the tail knew it to be durable;
 * what came behind that counts as gone. Damage is the worker's to tell and to set aside; a tail
 * passes over it, and counts what it misses. Threads: as application/log_tail.h says.
 */
#include "application/log_tail.h"
#include "infrastructure/event_log_local/segment_list.h"

struct local_tail_source {
    struct log_tail_source source;
    struct disk *disk;
    const char *directory;
    struct segment_list *list;
    struct uuid log_id;
};

/* As log_tail_source.open. */
MUST_USE enum status local_tail_open(struct log_tail_source *source,
                                     const struct position_set *from,
                                     struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                     struct error *err);
