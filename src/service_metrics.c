/* What adapters, the process and the build tell as metrics, beside what the API tells itself. */
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/span_exporter_otlp/span_exporter_otlp.h"
#include "infrastructure/telemetry/process_metrics.h"
#include "service_parts.h"
#include "usertrail_version.h"

static struct str role_name(const struct settings *settings)
{
    return settings->role == ROLE_API      ? STR("api")
           : settings->role == ROLE_WORKER ? STR("worker")
                                           : STR("all");
}

static void tell_build(struct metric_text *text, struct service *service)
{
    static const struct metric build = {"usertrail_build_info", METRIC_GAUGE,
                                        "1, with what this program was built from."};
    static const struct metric parts = {"usertrail_service_info", METRIC_GAUGE,
                                        "1, with what this process does and on what."};
    struct event_log_state log = {0};
    struct str store = service->settings.store == STORE_MEMORY    ? STR("memory")
                       : service->settings.store == STORE_MONGODB ? STR("mongodb")
                                                                  : STR("local");
    event_log_describe(service->log, &log);
    metric_begin(text, &build);
    metric_add(
        text,
        METRIC_LABELS({"version", STR(USERTRAIL_VERSION)}, {"revision", STR(USERTRAIL_REVISION)}),
        1);
    metric_begin(text, &parts);
    metric_add(text,
               METRIC_LABELS({"role", role_name(&service->settings)},
                             {"event_log", str_from(log.kind)}, {"store", store}),
               1);
}

static void tell_local_logs(struct metric_text *text, const struct service *service)
{
    struct event_log_local_named logs[2];
    size_t count = 0;
    if (service->local_log != NULL) {
        logs[count++] = (struct event_log_local_named){service->local_log, STR("log")};
    }
    if (service->spill_log != NULL) {
        logs[count++] = (struct event_log_local_named){service->spill_log, STR("spill")};
    }
    if (count > 0) {
        event_log_local_tell_metrics(text, logs, count);
    }
}

/* Where nothing is kept on the disk there may be no such folder. */
static void tell_disk(struct metric_text *text, const struct service *service)
{
    static const struct metric room = {"usertrail_data_free_bytes", METRIC_GAUGE,
                                       "What may still be written where the data folder is."};
    uint64_t bytes;
    struct error err;
    if (disk_free_bytes(disk_posix(), service->settings.data_dir, &bytes, &err) == STATUS_OK) {
        metric_tell(text, &room, bytes);
    }
}

static void tell(struct metric_source *source, struct metric_text *text)
{
    struct service *service = CONTAINER_OF(source, struct service, metrics);
    tell_local_logs(text, service);
    if (service->kafka_log != NULL) {
        event_log_kafka_tell_metrics(service->kafka_log, text);
    }
    if (service->local_store != NULL) {
        activity_store_local_tell_metrics(service->local_store, text);
    }
    span_exporter_otlp_tell_metrics(service->traces.sink, text);
    tell_disk(text, service);
    process_tell_metrics(text);
    tell_build(text, service);
}

void service_init_metrics(struct service *service)
{
    service->metrics.tell = tell;
}
