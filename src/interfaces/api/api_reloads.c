#include "interfaces/api/api_reloads.h"

void api_reloads_append_health(const struct api_reloads *reloads, struct buffer *json)
{
    if (reloads == NULL) {
        return;
    }
    buffer_append_literal(json, ",\"reloads\":{\"done\":");
    buffer_append_u64(json, atomic_load(&reloads->done));
    buffer_append_literal(json, ",\"refused\":");
    buffer_append_u64(json, atomic_load(&reloads->refused));
    buffer_append_char(json, '}');
}

static void append_counter(struct buffer *text, const char *name, const char *help, uint64_t number)
{
    buffer_append_format(text, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
                         (unsigned long long)number);
}

void api_reloads_append_metrics(const struct api_reloads *reloads, struct buffer *text)
{
    if (reloads == NULL) {
        return;
    }
    append_counter(text, "usertrail_reloads_total",
                   "Signals to read files again after which all of them were taken.",
                   atomic_load(&reloads->done));
    append_counter(text, "usertrail_refused_reloads_total",
                   "Signals to read files again after which something stayed as it was.",
                   atomic_load(&reloads->refused));
}
