#pragma once
/*
 * How far an import is, in one line for a person. Any thread.
 */
#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { IMPORT_FIGURES_BYTES_MAX = 256 };

struct import_figures {
    uint64_t bytes;
    uint64_t bytes_total;  /* 0: not known */
    uint64_t bytes_before; /* of `bytes`, by earlier runs */
    uint64_t lines;
    uint64_t lines_before;
    uint64_t refused;
    uint64_t elapsed_ms; /* of this run */
};

/* Lines a second in this run. */
uint64_t import_figures_rate(const struct import_figures *figures);

/* "52 %, 1200 lines, 400/s, 0:12 left, 3 refused", with a bar in front if asked for; bytes instead
 * of a share when nobody knows the whole. */
void import_figures_append(struct buffer *out_text, const struct import_figures *figures, bool bar);
