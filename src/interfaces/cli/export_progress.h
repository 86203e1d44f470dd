#pragma once
/*
 * What somebody at a terminal sees of an export into a file while it is written: one line that is
 * drawn over and over. One thread.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct export_progress {
    const struct clock *clock;
    FILE *stream; /* that is written; NULL: nothing is shown */
    uint64_t started_ms;
    uint64_t shown_ms;
};

/* Both are borrowed. Shows nothing where standard error is no terminal. */
void export_progress_begin(struct export_progress *progress, const struct clock *clock,
                           FILE *stream);

/* So many activities so far. Not more often than an eye can follow. */
void export_progress_show(struct export_progress *progress, uint64_t activities);

/* Nothing of it stays. */
void export_progress_end(struct export_progress *progress);
