/*
 * Whether librdkafka takes the properties, which it says in full only when it makes a client. One
 * without brokers connects to nobody.
 */
#include "infrastructure/event_log_kafka/kafka_producer.h"
#include "infrastructure/event_log_kafka/kafka_reader.h"

/* Without its brokers, and without its lines: what is wrong comes back as the error. */
static enum status try_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *err)
{
    rd_kafka_t *client = NULL;
    rd_kafka_conf_set(conf, "metadata.broker.list", NULL, NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL);
    enum status status = kafka_client_new(type, conf, &client, err);
    if (status == STATUS_OK) {
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    return status;
}

enum status event_log_kafka_check(const struct event_log_kafka_config *config, struct error *err)
{
    struct kafka_lines lines;
    struct kafka_context context = {.lines = &lines};
    rd_kafka_conf_t *conf = NULL;
    enum status status = STATUS_OK;
    kafka_lines_init(&lines, config->logger, config->clock);
    if (config->produces) {
        status = kafka_producer_conf(config, 0, &context, &conf, err);
        status = status == STATUS_OK ? try_client(RD_KAFKA_PRODUCER, conf, err) : status;
    }
    if (status == STATUS_OK && config->consumes) {
        status = kafka_reader_conf(config, &context, &conf, err);
        status = status == STATUS_OK ? try_client(RD_KAFKA_CONSUMER, conf, err) : status;
    }
    kafka_lines_deinit(&lines);
    return status;
}
