#include "interfaces/cli/export_progress.h"

#include "base/macros.h"
#include "interfaces/cli/progress_figures.h"
#include "interfaces/cli/status_line.h"

enum { SHOW_EVERY_MS = 100 };

void export_progress_begin(struct export_progress *progress, const struct clock *clock,
                           FILE *stream)
{
    *progress = (struct export_progress){.clock = clock};
    if (status_line_wanted()) {
        progress->stream = stream;
        progress->started_ms = clock_monotonic_ms(clock);
    }
}

void export_progress_show(struct export_progress *progress, uint64_t activities)
{
    if (progress->stream == NULL) {
        return;
    }
    uint64_t now_ms = clock_monotonic_ms(progress->clock);
    if (now_ms - progress->shown_ms < SHOW_EVERY_MS) {
        return;
    }
    progress->shown_ms = now_ms;
    off_t bytes = ftello(progress->stream);
    const struct progress_figures figures = {
        .noun = "activities",
        .done = bytes > 0 ? (uint64_t)bytes : 0,
        .items = activities,
        .elapsed_ms = now_ms - progress->started_ms,
    };
    struct buffer text;
    buffer_init(&text, PROGRESS_FIGURES_BYTES_MAX);
    progress_figures_append(&text, &figures, false);
    buffer_append_char(&text, '\0');
    if (text.failed == STATUS_OK) {
        status_line_show(text.data);
    }
    buffer_deinit(&text);
}

void export_progress_end(struct export_progress *progress)
{
    if (TAKE(progress->stream) != NULL) {
        status_line_clear();
    }
}
