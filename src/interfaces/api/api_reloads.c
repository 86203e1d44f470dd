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

void api_reloads_tell_metrics(const struct api_reloads *reloads, struct metric_text *text)
{
    static const struct metric done = {
        "usertrail_reloads_total", METRIC_COUNTER,
        "Signals to read files again after which all of them were taken."};
    static const struct metric refused = {
        "usertrail_refused_reloads_total", METRIC_COUNTER,
        "Signals to read files again after which something stayed as it was."};
    if (reloads != NULL) {
        metric_tell(text, &done, atomic_load(&reloads->done));
        metric_tell(text, &refused, atomic_load(&reloads->refused));
    }
}
