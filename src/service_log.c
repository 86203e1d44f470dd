/* Opens the event log: on the disk, in memory, or a topic of Kafka with a spill in front of it. */
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"
#include "infrastructure/event_log_kafka/refused_topic.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/event_log_spill/event_log_spill.h"
#include "infrastructure/event_log_tracing/event_log_tracing.h"
#include "service_parts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPILL_SEGMENT_BYTES_MAX ((uint64_t)8 << 20)

enum {
    SPILL_LOOK_EVERY_MS = 5000, /* as often as the log looks at Kafka */
    TAIL_CONNECT_TIMEOUT_MS = 5000
};

static enum status open_local_log(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = service_make_adapter_dir(service, "log", directory, err);
    if (status == STATUS_OK) {
        status = event_log_local_new(
            &(struct event_log_local_config){
                .disk = disk_posix(),
                .directory = directory,
                .segment_bytes = settings->log_segment_bytes,
                .log_bytes_max = settings->log_bytes,
                .queue_bytes_max = settings->log_queue_bytes,
                .clock = &clock_system,
                .random = &random_system,
                .logger = &service->logger,
            },
            &service->log, err);
        service->local_log = service->log;
    }
    if (status == STATUS_OK) {
        service->tails = event_log_local_tails(service->log);
    }
    return status;
}

static enum status open_memory_log(struct service *service, struct error *err)
{
    enum status status = event_log_memory_new(
        &(struct event_log_memory_config){
            .bytes_max = service->settings.log_bytes,
            .random = &random_system,
        },
        &service->log, err);
    if (status == STATUS_OK) {
        service->tails = event_log_memory_tails(service->log);
    }
    return status;
}

/* --- Kafka --- */

static bool produces(const struct service *service)
{
    return service->use == SERVICE_FORWARDS ||
           (service->use == SERVICE_SERVES && service->settings.role != ROLE_WORKER);
}

static bool consumes(const struct service *service)
{
    return service->use == SERVICE_REPLAYS ||
           (service->use == SERVICE_SERVES && service->settings.role != ROLE_API);
}

/* Workers share a topic by a group where the store keeps what each has done; with any other store
 * this process reads all of it, from where its store got to. */
static const char *group_of(const struct service *service)
{
    bool shares = service->use == SERVICE_SERVES && service->settings.store == STORE_MONGODB;
    return shares ? service->settings.kafka_group : "";
}

/* Zero in the settings leaves it to the broker. */
static int choice(uint64_t setting)
{
    return setting == 0 ? EVENT_LOG_KAFKA_BROKERS_CHOICE : (int)setting;
}

static size_t queue_bytes(const struct settings *settings)
{
    return settings->log_queue_bytes > EVENT_LOG_KAFKA_QUEUE_BYTES_MIN
               ? settings->log_queue_bytes
               : EVENT_LOG_KAFKA_QUEUE_BYTES_MIN;
}

/* The brokers first, so that a property of the user's can name others. */
static void list_properties(const struct settings *settings,
                            struct event_log_kafka_property *properties)
{
    properties[0] = (struct event_log_kafka_property){"bootstrap.servers", settings->kafka_brokers};
    for (size_t i = 0; i < settings->kafka_properties.count; i++) {
        const struct settings_property *given = &settings->kafka_properties.items[i];
        properties[i + 1] = (struct event_log_kafka_property){given->name, given->value};
    }
}

/* The array of properties is the caller's to free. */
static enum status describe_topic(struct service *service, const char *topic,
                                  struct event_log_kafka_config *out_config, struct error *err)
{
    const struct settings *settings = &service->settings;
    size_t count = settings->kafka_properties.count + 1;
    struct event_log_kafka_property *properties = calloc(count, sizeof *properties);
    if (properties == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka log");
    }
    list_properties(settings, properties);
    *out_config = (struct event_log_kafka_config){
        .properties = properties,
        .property_count = count,
        .topic = topic,
        .group = group_of(service),
        .instance_id = settings->kafka_instance_id,
        .produces = produces(service),
        .consumes = consumes(service),
        .reads_traces = service_tracer(service) != NULL,
        .queue_bytes_max = queue_bytes(settings),
        .partitions = choice(settings->kafka_partitions),
        .replication = choice(settings->kafka_replication),
        .connect_timeout_ms = (unsigned)settings->connect_timeout_ms,
        .clock = &clock_system,
        .logger = &service->logger,
    };
    return STATUS_OK;
}

enum status service_check_kafka(struct service *service, struct error *err)
{
    struct event_log_kafka_config config = {0};
    enum status status = describe_topic(service, service->settings.kafka_topic, &config, err);
    if (status == STATUS_OK) {
        status = event_log_kafka_check(&config, err);
        free((void *)(uintptr_t)config.properties);
    }
    return status;
}

static bool has_spill(const struct service *service)
{
    return service->use == SERVICE_SERVES && produces(service) && service->settings.spill_bytes > 0;
}

/* What a life before this one left in the folder of the spill, if it had the same settings. An
 * activity that is accepted while Kafka is away needs a place, so without a spill it is no use. */
static bool recall_topic(const struct service *service, struct event_log_kafka_topic *out_topic)
{
    char directory[DISK_PATH_BYTES_MAX];
    struct topic_mark mark;
    if (!has_spill(service) ||
        disk_path(service->settings.data_dir, "spill", directory, NULL) != STATUS_OK ||
        !topic_mark_read(disk_posix(), directory, &mark) ||
        !uuid_equal(mark.settings, service->log_settings)) {
        return false;
    }
    *out_topic = (struct event_log_kafka_topic){
        .log_id = mark.log_id,
        .partition_count = mark.partition_count,
        .message_bytes_max = mark.message_bytes_max,
    };
    return true;
}

/* On the log's thread. Main waits for signals, and looks at the status when that thread is gone. */
static void stop_for_other_topic(void *context, const struct error *why)
{
    struct service *service = context;
    service->log_status = why->status;
    log_error(&service->logger,
              "this server stops, since the topic is not the one that it knew; whatever waits for "
              "that one stays on this machine's disk",
              why);
    kill(getpid(), SIGTERM);
}

static void tell_queue_bytes(const struct service *service)
{
    const struct settings *settings = &service->settings;
    if (settings->log_queue_bytes < EVENT_LOG_KAFKA_QUEUE_BYTES_MIN) {
        log_write(&service->logger, LOG_WARNING,
                  "log-queue-bytes is less than Kafka's queue needs for one activity and counts as "
                  "more",
                  LOG_FIELDS(log_number("bytes", (int64_t)queue_bytes(settings))));
    }
}

/* Each with a connection of its own; what the topic was in an earlier life is none of its business.
 */
static enum status open_kafka_tail(struct log_tail_source *source, const struct position_set *from,
                                   struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                   struct error *err)
{
    struct service *service = CONTAINER_OF(source, struct service, kafka_tails);
    struct event_log_kafka_config config = {0};
    enum status status = describe_topic(service, service->settings.kafka_topic, &config, err);
    if (status == STATUS_OK) {
        config.connect_timeout_ms = TAIL_CONNECT_TIMEOUT_MS;
        status = event_log_kafka_tail_open(&config, from, out_begin, out_tail, err);
        free((void *)(uintptr_t)config.properties);
    }
    return status;
}

static enum status open_kafka_log(struct service *service, struct error *err)
{
    struct event_log_kafka_config config = {0};
    struct event_log_kafka_topic topic;
    enum status status = describe_topic(service, service->settings.kafka_topic, &config, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = event_log_kafka_identify(&config, &service->log_settings, err);
    if (status == STATUS_OK) {
        config.known = recall_topic(service, &topic) ? &topic : NULL;
        config.other_topic = stop_for_other_topic;
        config.other_topic_context = service;
        status = event_log_kafka_new(&config, &service->log, err);
    }
    free((void *)(uintptr_t)config.properties);
    service->kafka_log = service->log;
    service->kafka_tails.open = open_kafka_tail;
    service->tails = &service->kafka_tails;
    if (status == STATUS_OK && produces(service)) {
        tell_queue_bytes(service);
    }
    return status;
}

enum status service_send_refused(struct service *service, struct error *err)
{
    struct event_log_kafka_config config = {0};
    char topic[SETTINGS_TEXT_BYTES + sizeof ".refused"];
    snprintf(topic, sizeof topic, "%s.refused", service->settings.kafka_topic);
    enum status status = describe_topic(service, topic, &config, err);
    if (status == STATUS_OK) {
        status = refused_topic_new(&config, service->refusals, &service->refusals, err);
        free((void *)(uintptr_t)config.properties);
    }
    return status;
}

/* --- the spill --- */

static void give_up(void *context)
{
    event_log_kafka_purge(context);
}

/* Files that are small beside the whole give their room back soon when it empties. */
static uint64_t spill_segment_bytes(const struct settings *settings)
{
    return settings->log_segment_bytes < SPILL_SEGMENT_BYTES_MAX ? settings->log_segment_bytes
                                                                 : SPILL_SEGMENT_BYTES_MAX;
}

static enum status open_spill_folder(struct service *service, struct event_log **out_log,
                                     struct error *err)
{
    const struct settings *settings = &service->settings;
    enum status status = service_make_adapter_dir(service, "spill", service->spill_dir, err);
    return status == STATUS_OK ? event_log_local_new(
                                     &(struct event_log_local_config){
                                         .disk = disk_posix(),
                                         .directory = service->spill_dir,
                                         .segment_bytes = spill_segment_bytes(settings),
                                         .log_bytes_max = settings->spill_bytes,
                                         .queue_bytes_max = settings->log_queue_bytes,
                                         .look_every_ms = SPILL_LOOK_EVERY_MS,
                                         .opens_full = true,
                                         .called = "the spill",
                                         .goes_on_when = "Kafka takes some",
                                         .clock = &clock_system,
                                         .random = &random_system,
                                         .logger = &service->logger,
                                     },
                                     out_log, err)
                               : status;
}

static struct topic_mark mark_topic(const struct service *service)
{
    struct event_log_kafka_topic topic;
    event_log_kafka_tell_topic(service->kafka_log, &topic);
    return (struct topic_mark){
        .log_id = topic.log_id,
        .settings = service->log_settings,
        .partition_count = topic.partition_count,
        .message_bytes_max = topic.message_bytes_max,
    };
}

static enum status put_spill_in_front(struct service *service, struct error *err)
{
    struct event_log *spill = NULL;
    const struct topic_mark topic = mark_topic(service);
    enum status status = open_spill_folder(service, &spill, err);
    if (status == STATUS_OK) {
        status = event_log_spill_new(
            &(struct event_log_spill_config){
                .inner = service->log,
                .spill = spill,
                .give_up = give_up,
                .give_up_context = service->kafka_log,
                .disk = disk_posix(),
                .spill_dir = service->spill_dir,
                .topic = &topic,
                .data_dir = service->settings.data_dir,
                .drain_ms = (unsigned)service->settings.drain_timeout_ms,
                .clock = &clock_system,
                .random = &random_system,
                .logger = &service->logger,
            },
            &service->log, err);
    }
    if (status != STATUS_OK) {
        event_log_free(spill);
        return status;
    }
    service->spill_log = spill;
    service->moved = event_log_spill_moved(service->log);
    return STATUS_OK;
}

/* --- any of them --- */

static enum status open_adapter(struct service *service, struct error *err)
{
    switch ((enum settings_event_log)service->settings.event_log) {
    case EVENT_LOG_MEMORY:
        return open_memory_log(service, err);
    case EVENT_LOG_KAFKA:
        return open_kafka_log(service, err);
    case EVENT_LOG_LOCAL:
    default:
        return open_local_log(service, err);
    }
}

enum status service_open_log(struct service *service, struct error *err)
{
    enum status status = open_adapter(service, err);
    if (status == STATUS_OK && service->kafka_log != NULL && has_spill(service)) {
        status = put_spill_in_front(service, err);
    }
    if (status == STATUS_OK && service->settings.trace_ports) {
        status = event_log_tracing_new(
            &(struct event_log_tracing_config){
                .inner = service->log, .clock = &clock_system, .logger = &service->logger},
            &service->log, err);
    }
    return status;
}
