#pragma once
/*
 * What is told of a backup that is made, or restored, by the adapter that knows the files to
 * whoever shows it. One thread at a time.
 */
#include <stdbool.h>
#include <stdint.h>

/* From where to where. */
struct folder_copy_request {
    const char *from;
    const char *to;
    bool copies;    /* no file of the one is a file of the other, too */
    int64_t now_ms; /* of the wall clock */
};

struct folder_copy_sums {
    uint64_t files;
    uint64_t bytes;
    uint64_t linked_bytes; /* of them, in files that both folders have now */
    int64_t made_at_ms;    /* when the backup was begun */
};

/* Embedded by who listens. */
struct folder_copy_listener {
    void (*progress)(struct folder_copy_listener *listener, uint64_t done_bytes,
                     uint64_t all_bytes);
    /* Something in the folder that usertrail did not put there and that is not copied. */
    void (*left_out)(struct folder_copy_listener *listener, const char *name);
};
