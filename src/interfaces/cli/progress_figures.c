#include "interfaces/cli/progress_figures.h"

enum { BAR_CELLS = 24, PERCENT = 100, MS_PER_SECOND = 1000, SECONDS_PER_MINUTE = 60 };

#define BYTES_PER_MB 1000000u

static uint64_t divide(uint64_t amount, uint64_t factor, uint64_t by)
{
    return by == 0 ? 0 : (uint64_t)((double)amount * (double)factor / (double)by);
}

uint64_t progress_figures_rate(const struct progress_figures *figures)
{
    return divide(figures->items - figures->items_before, MS_PER_SECOND, figures->elapsed_ms);
}

/* Of the whole; a file that grows is never beyond its end. */
static uint64_t share_of(const struct progress_figures *figures, uint64_t whole)
{
    uint64_t share = divide(figures->done, whole, figures->total);
    return share < whole ? share : whole;
}

static void append_bar(struct buffer *text, const struct progress_figures *figures)
{
    uint64_t full = share_of(figures, BAR_CELLS);
    buffer_append_char(text, '[');
    for (uint64_t i = 0; i < BAR_CELLS; i++) {
        buffer_append_char(text, i < full ? '#' : '.');
    }
    buffer_append_literal(text, "] ");
}

/* By what this run has done, as soon as it has any. */
static void append_time_left(struct buffer *text, const struct progress_figures *figures)
{
    uint64_t done = figures->done - figures->done_before;
    if (figures->total <= figures->done || done == 0) {
        return;
    }
    uint64_t seconds =
        divide(figures->total - figures->done, figures->elapsed_ms, done) / MS_PER_SECOND;
    buffer_append_format(text, ", %llu:%02llu left",
                         (unsigned long long)(seconds / SECONDS_PER_MINUTE),
                         (unsigned long long)(seconds % SECONDS_PER_MINUTE));
}

void progress_figures_append(struct buffer *out_text, const struct progress_figures *figures,
                             bool bar)
{
    bool known = figures->total > 0;
    if (known && bar) {
        append_bar(out_text, figures);
    }
    if (known) {
        buffer_append_format(out_text, "%llu %%", (unsigned long long)share_of(figures, PERCENT));
    } else {
        buffer_append_format(out_text, "%llu MB",
                             (unsigned long long)(figures->done / BYTES_PER_MB));
    }
    buffer_append_format(out_text, ", %llu %s, %llu/s", (unsigned long long)figures->items,
                         figures->noun, (unsigned long long)progress_figures_rate(figures));
    if (known) {
        append_time_left(out_text, figures);
    }
    if (figures->refused > 0) {
        buffer_append_format(out_text, ", %llu refused", (unsigned long long)figures->refused);
    }
}
