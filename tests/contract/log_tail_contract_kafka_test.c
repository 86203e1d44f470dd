/* Runs the suite of tails on a real Kafka, with retention between. */
#include "event_log_contract_support.h"
#include "kafka_support.h"
#include "log_tail_contract.h"

static char topic[TOPIC_BYTES];
static struct event_log_kafka_config config;

static enum status open_tail(struct log_tail_source *source, const struct position_set *from,
                             struct log_tail_begin *out_begin, struct log_tail **out_tail,
                             struct error *err)
{
    (void)source;
    return event_log_kafka_tail_open(&config, from, out_begin, out_tail, err);
}

static struct event_log *make(struct log_tail_source **out_tails)
{
    static struct log_tail_source source = {.open = open_tail};
    kafka_fresh_name(topic);
    config = kafka_config(topic, "", 1);
    *out_tails = &source;
    return kafka_open(&config);
}

static bool drop(struct event_log *log)
{
    rd_kafka_t *client = kafka_client();
    kafka_delete_records(client, topic, 0, end_offset(log) / 2);
    rd_kafka_destroy(client);
    return true;
}

static const struct tail_maker maker = {"log tail contract: kafka", make, drop, event_log_free};

int main(void)
{
    return log_tail_contract_run(&maker);
}
