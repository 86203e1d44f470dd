/* Where partitions begin and end, and where in them a time lies: what a replay asks beforehand. */
#include "infrastructure/event_log_kafka/kafka_log.h"

static enum status cannot_tell(struct kafka_log *kafka, rd_kafka_resp_err_t code, struct error *err)
{
    char reason[ERROR_MESSAGE_BYTES];
    kafka_tell(code, kafka->config.topic, reason);
    return error_set(err, kafka_status(code), 0, "%s", reason);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for positions of the topic");
}

static enum status count_partitions(struct kafka_log *kafka, int32_t *out_count, struct error *err)
{
    return kafka_topic_look(kafka->client, kafka->config.topic,
                            (int)kafka->config.connect_timeout_ms, out_count, err);
}

enum status kafka_borders_ends(struct kafka_log *kafka, struct position_set *out_first,
                               struct position_set *out_end, struct error *err)
{
    int32_t count;
    enum status status = count_partitions(kafka, &count, err);
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) {
        int64_t low = 0;
        int64_t high = 0;
        rd_kafka_resp_err_t code =
            rd_kafka_query_watermark_offsets(kafka->client, kafka->config.topic, i, &low, &high,
                                             (int)kafka->config.connect_timeout_ms);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            status = cannot_tell(kafka, code, err);
        } else if (position_set_raise(out_first, (struct position){i, low}) != STATUS_OK ||
                   position_set_raise(out_end, (struct position){i, high}) != STATUS_OK) {
            status = no_memory(err);
        }
    }
    return status;
}

/* A partition that took nothing since then answers with its end, for which librdkafka has a number
 * below zero. */
static enum status take_offsets(struct kafka_log *kafka,
                                const rd_kafka_topic_partition_list_t *list,
                                const struct position_set *ends, struct position_set *out_positions,
                                struct error *err)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *its = &list->elems[i];
        if (its->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return cannot_tell(kafka, its->err, err);
        }
        int64_t offset = its->offset >= 0 ? its->offset : position_set_get(ends, its->partition);
        if (position_set_raise(out_positions, (struct position){its->partition, offset}) !=
            STATUS_OK) {
            return no_memory(err);
        }
    }
    return STATUS_OK;
}

enum status kafka_borders_at_time(struct kafka_log *kafka, int64_t time_ms,
                                  const struct position_set *ends,
                                  struct position_set *out_positions, struct error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)ends->count);
    for (size_t i = 0; i < ends->count; i++) {
        rd_kafka_topic_partition_list_add(list, kafka->config.topic, ends->items[i].partition)
            ->offset = time_ms;
    }
    rd_kafka_resp_err_t code =
        rd_kafka_offsets_for_times(kafka->client, list, (int)kafka->config.connect_timeout_ms);
    enum status status = code == RD_KAFKA_RESP_ERR_NO_ERROR
                             ? take_offsets(kafka, list, ends, out_positions, err)
                             : cannot_tell(kafka, code, err);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}
