/* Runs the event log's contract suite on a real Kafka, read in both ways. */
#include "event_log_contract.h"
#include "kafka_support.h"

static char topic[TOPIC_BYTES];

static struct event_log *open_by_assignment(void)
{
    const struct event_log_kafka_config config = kafka_config(topic, "", 1);
    return kafka_open(&config);
}

static struct event_log *open_in_group(void)
{
    const struct event_log_kafka_config config = kafka_config(topic, topic, 1);
    return kafka_open(&config);
}

static struct event_log *make_by_assignment(uint64_t bytes_max)
{
    (void)bytes_max; /* it has no limit of its own */
    kafka_fresh_name(topic);
    return open_by_assignment();
}

static struct event_log *make_in_group(uint64_t bytes_max)
{
    (void)bytes_max;
    kafka_fresh_name(topic);
    return open_in_group();
}

static struct event_log *reopen_by_assignment(struct event_log *log)
{
    event_log_free(log);
    return open_by_assignment();
}

static struct event_log *reopen_in_group(struct event_log *log)
{
    event_log_free(log);
    return open_in_group();
}

static const struct log_maker makers[] = {
    {"event log contract: kafka", "kafka", DURABILITY_REPLICATED, make_by_assignment,
     reopen_by_assignment, event_log_free},
    {"event log contract: kafka, in a group", "kafka", DURABILITY_REPLICATED, make_in_group,
     reopen_in_group, event_log_free},
};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += event_log_contract_run(&makers[i]);
    }
    return failed;
}
