#include "infrastructure/event_log_kafka/kafka_partitions.h"

#include <stdlib.h>

/* Longer than the consumer takes to end what it was doing for a partition. */
enum { FORWARD_AGAIN_MS = 10000 };

struct kafka_partition *kafka_partition_of(struct kafka_reader *reader, int32_t partition)
{
    bool known = partition >= 0 && partition < reader->partition_count;
    return known ? &reader->partitions[partition] : NULL;
}

bool kafka_partition_is_read(const struct kafka_partition *its)
{
    return its->assigned && !its->unplaced;
}

enum status kafka_partitions_grow(struct kafka_reader *reader, int32_t count)
{
    if (count <= reader->partition_count) {
        return STATUS_OK;
    }
    struct kafka_partition *partitions =
        realloc(reader->partitions, (size_t)count * sizeof *partitions);
    if (partitions == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (int32_t i = reader->partition_count; i < count; i++) {
        partitions[i] = (struct kafka_partition){.commit_at = -1, .committed = -1};
    }
    reader->partitions = partitions;
    reader->partition_count = count;
    return STATUS_OK;
}

static void forward(struct kafka_reader *reader, int32_t partition)
{
    rd_kafka_queue_t *queue =
        rd_kafka_queue_get_partition(reader->client, reader->config.log->topic, partition);
    if (queue != NULL) {
        rd_kafka_queue_forward(queue, reader->queue);
        rd_kafka_queue_destroy(queue);
    }
}

void kafka_partition_lead(struct kafka_reader *reader, int32_t partition)
{
    forward(reader, partition);
    reader->partitions[partition].forward_until_ms =
        clock_monotonic_ms(reader->config.log->clock) + FORWARD_AGAIN_MS;
}

bool kafka_partitions_forward_again(struct kafka_reader *reader)
{
    uint64_t now_ms = clock_monotonic_ms(reader->config.log->clock);
    bool any = false;
    for (int32_t i = 0; i < reader->partition_count; i++) {
        const struct kafka_partition *partition = &reader->partitions[i];
        if (partition->assigned && now_ms < partition->forward_until_ms) {
            forward(reader, i);
            any = true;
        }
    }
    return any;
}

static enum status judge(rd_kafka_error_t *error, struct error *err)
{
    if (error == NULL) {
        return STATUS_OK;
    }
    enum status status = error_set(err, STATUS_UNAVAILABLE, 0, "the Kafka consumer: %s",
                                   rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return status;
}

enum status kafka_partition_start(struct kafka_reader *reader, int32_t partition, struct error *err)
{
    struct kafka_partition *its = &reader->partitions[partition];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->config.log->topic, partition)->offset =
        its->position;
    kafka_partition_lead(reader, partition);
    enum status status = judge(rd_kafka_incremental_assign(reader->client, list), err);
    rd_kafka_topic_partition_list_destroy(list);
    its->assigned = status == STATUS_OK;
    its->troubled = false;
    its->handed = its->position;
    its->epoch++;
    return status;
}

enum status kafka_partition_restart(struct kafka_reader *reader, int32_t partition, int64_t offset,
                                    struct error *err)
{
    struct kafka_partition *its = &reader->partitions[partition];
    its->position = offset;
    its->read_to = 0;
    its->anew = false;
    if (!kafka_partition_is_read(its)) {
        its->epoch++;
        return STATUS_OK;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, reader->config.log->topic, partition);
    enum status status = judge(rd_kafka_incremental_unassign(reader->client, list), err);
    rd_kafka_topic_partition_list_destroy(list);
    if (status != STATUS_OK) {
        its->troubled = true; /* poll tries it again */
        return status;
    }
    status = kafka_partition_start(reader, partition, err);
    its->assigned = true;
    its->troubled = status != STATUS_OK;
    return status;
}
