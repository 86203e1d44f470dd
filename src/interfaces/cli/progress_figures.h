#pragma once
/*
 * How far a long command is, in one line for a person. Any thread.
 */
#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_FIGURES_BYTES_MAX = 256 };

struct progress_figures {
    const char *noun;     /* what items are: "lines" */
    uint64_t done;        /* bytes or whatever `total` counts */
    uint64_t total;       /* 0: not known, and `done` counts bytes */
    uint64_t done_before; /* of `done`, by earlier runs */
    uint64_t items;
    uint64_t items_before;
    uint64_t refused;
    uint64_t elapsed_ms; /* of this run */
};

/* Items a second in this run. */
uint64_t progress_figures_rate(const struct progress_figures *figures);

/* "52 %, 1200 lines, 400/s, 0:12 left, 3 refused", with a bar in front if asked for; bytes instead
 * of a share where nobody knows the whole. */
void progress_figures_append(struct buffer *out_text, const struct progress_figures *figures,
                             bool bar);
