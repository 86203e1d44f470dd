#include "infrastructure/event_log_kafka/kafka_statistics.h"

#include "base/json_walk.h"

#include <stdio.h>

void kafka_statistics_init(struct kafka_statistics *statistics, const struct clock *clock)
{
    *statistics = (struct kafka_statistics){.clock = clock};
    pthread_mutex_init(&statistics->mutex, NULL);
}

void kafka_statistics_deinit(struct kafka_statistics *statistics)
{
    pthread_mutex_destroy(&statistics->mutex);
}

/* Reading ----------------------------------------------------------------------------------- */

/* Reads one member of an object; moves past its value, or says false. */
typedef bool member_function(void *context, struct str name, struct str *rest);

/* Spaces stand between the parts of what librdkafka writes. */
static bool take(struct str *rest, char c)
{
    json_walk_space(rest);
    return json_walk_char(rest, c);
}

static bool walk_object(struct str *rest, member_function *member, void *context)
{
    struct str name;
    if (!take(rest, '{')) {
        return false;
    }
    if (take(rest, '}')) {
        return true;
    }
    do {
        json_walk_space(rest);
        if (!json_walk_string(rest, &name) || !take(rest, ':')) {
            return false;
        }
        json_walk_space(rest);
        if (!member(context, name, rest)) {
            return false;
        }
    } while (take(rest, ','));
    return take(rest, '}');
}

struct number_member {
    const char *name;
    uint64_t *target;
};

/* Numbers below 0 stand for what is not known, and stay 0. */
static bool read_number(struct str *rest, uint64_t *out_number)
{
    struct str word;
    unsigned long long number;
    if (!json_walk_word(rest, &word)) {
        return false;
    }
    if (str_parse_u64(word, UINT64_MAX, &number)) {
        *out_number = number;
    }
    return true;
}

/* True: the member is one of these, and `*out_read` says whether it could be read. */
static bool read_known(const struct number_member *known, size_t count, struct str name,
                       struct str *rest, bool *out_read)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, str_from(known[i].name))) {
            *out_read = read_number(rest, known[i].target);
            return true;
        }
    }
    return false;
}

static bool read_round_trip(void *context, struct str name, struct str *rest)
{
    struct kafka_broker_figures *broker = context;
    bool read = false;
    const struct number_member known[] = {{"avg", &broker->round_trip_us},
                                          {"p99", &broker->slowest_round_trip_us}};
    return read_known(known, ARRAY_LENGTH(known), name, rest, &read) ? read : json_walk_skip(rest);
}

static bool read_state(struct str *rest, struct kafka_broker_figures *broker)
{
    struct str state;
    bool read = json_walk_string(rest, &state);
    broker->up = read && str_equal(state, STR("UP"));
    return read;
}

struct broker_counts {
    struct kafka_broker_figures *broker;
    uint64_t sent_wrong;
    uint64_t received_wrong;
    uint64_t timeouts;
};

static bool read_broker_member(void *context, struct str name, struct str *rest)
{
    struct broker_counts *counts = context;
    bool read = false;
    const struct number_member known[] = {{"txerrs", &counts->sent_wrong},
                                          {"rxerrs", &counts->received_wrong},
                                          {"req_timeouts", &counts->timeouts},
                                          {"txretries", &counts->broker->retries}};
    if (read_known(known, ARRAY_LENGTH(known), name, rest, &read)) {
        return read;
    }
    if (str_equal(name, STR("state"))) {
        return read_state(rest, counts->broker);
    }
    if (str_equal(name, STR("rtt"))) {
        return walk_object(rest, read_round_trip, counts->broker);
    }
    return json_walk_skip(rest);
}

/* Of "host:port/2" the number: it stays when a broker moves, and tells nobody where that is.
 * Brokers that are known from the configuration only ("host:port/bootstrap") have none yet, and
 * what stands for a role ("GroupCoordinator") never has. */
static bool read_broker_number(struct str name, unsigned long long *out_number)
{
    struct str rest = name;
    while (rest.data != NULL) {
        name = str_split(&rest, '/');
    }
    return str_parse_u64(name, INT32_MAX, out_number);
}

static bool read_broker(void *context, struct str name, struct str *rest)
{
    struct kafka_figures *figures = context;
    unsigned long long number;
    if (figures->broker_count == KAFKA_BROKERS_TOLD_MAX || !read_broker_number(name, &number)) {
        return json_walk_skip(rest);
    }
    struct kafka_broker_figures *broker = &figures->brokers[figures->broker_count++];
    struct broker_counts counts = {.broker = broker};
    snprintf(broker->name, sizeof broker->name, "%llu", number);
    bool read = walk_object(rest, read_broker_member, &counts);
    broker->failures = counts.sent_wrong + counts.received_wrong + counts.timeouts;
    return read;
}

static bool read_member(void *context, struct str name, struct str *rest)
{
    struct kafka_figures *figures = context;
    bool read = false;
    const struct number_member known[] = {
        {"msg_cnt", &figures->queued_messages},  {"msg_size", &figures->queued_bytes},
        {"txmsgs", &figures->sent_messages},     {"tx_bytes", &figures->sent_bytes},
        {"rxmsgs", &figures->received_messages}, {"rx_bytes", &figures->received_bytes}};
    if (read_known(known, ARRAY_LENGTH(known), name, rest, &read)) {
        return read;
    }
    return str_equal(name, STR("brokers")) ? walk_object(rest, read_broker, figures)
                                           : json_walk_skip(rest);
}

bool kafka_figures_read(struct str json, struct kafka_figures *out_figures)
{
    struct kafka_figures figures = {0};
    if (!walk_object(&json, read_member, &figures)) {
        return false;
    }
    *out_figures = figures;
    return true;
}

void kafka_statistics_take(struct kafka_statistics *statistics, struct str json)
{
    struct kafka_figures figures;
    if (!kafka_figures_read(json, &figures)) {
        return;
    }
    figures.told_at_ms = clock_monotonic_ms(statistics->clock);
    pthread_mutex_lock(&statistics->mutex);
    statistics->figures = figures;
    pthread_mutex_unlock(&statistics->mutex);
}

/* Telling ----------------------------------------------------------------------------------- */

enum { CLIENTS_MAX = 2 };

struct client {
    struct str name;
    uint64_t age_ms; /* of its figures */
    struct kafka_figures figures;
};

static void add_client(struct client *clients, size_t *count, struct str name,
                       struct kafka_statistics *statistics)
{
    struct client *client = &clients[*count];
    client->name = name;
    pthread_mutex_lock(&statistics->mutex);
    client->figures = statistics->figures;
    pthread_mutex_unlock(&statistics->mutex);
    if (client->figures.told_at_ms > 0) {
        client->age_ms = clock_monotonic_ms(statistics->clock) - client->figures.told_at_ms;
        *count += 1;
    }
}

static void tell_of_clients(struct metric_text *text, const struct client *clients, size_t count)
{
    static const struct metric metrics[] = {
        {"usertrail_kafka_queued_messages", METRIC_GAUGE,
         "Messages that the client of Kafka has and that are not confirmed."},
        {"usertrail_kafka_queued_bytes", METRIC_GAUGE, "Bytes of these messages."},
        {"usertrail_kafka_sent_messages_total", METRIC_COUNTER, "Messages that went to brokers."},
        {"usertrail_kafka_sent_bytes_total", METRIC_COUNTER, "Bytes that went to brokers."},
        {"usertrail_kafka_received_messages_total", METRIC_COUNTER,
         "Messages that came from brokers."},
        {"usertrail_kafka_received_bytes_total", METRIC_COUNTER, "Bytes that came from brokers."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        metric_begin(text, &metrics[i]);
        for (size_t j = 0; j < count; j++) {
            const struct kafka_figures *figures = &clients[j].figures;
            const uint64_t numbers[] = {figures->queued_messages,   figures->queued_bytes,
                                        figures->sent_messages,     figures->sent_bytes,
                                        figures->received_messages, figures->received_bytes};
            metric_add(text, METRIC_LABELS({"client", clients[j].name}), numbers[i]);
        }
    }
}

static void tell_ages(struct metric_text *text, const struct client *clients, size_t count)
{
    static const struct metric age = {"usertrail_kafka_statistics_age_seconds", METRIC_GAUGE,
                                      "How old what the client told of itself is."};
    metric_begin(text, &age);
    for (size_t i = 0; i < count; i++) {
        metric_add_seconds(text, METRIC_LABELS({"client", clients[i].name}),
                           clients[i].age_ms * NANOSECONDS_PER_MILLISECOND);
    }
}

#define NANOSECONDS_PER_MICROSECOND 1000u

static void tell_counts_of_brokers(struct metric_text *text, const struct client *clients,
                                   size_t count)
{
    static const struct metric metrics[] = {
        {"usertrail_kafka_broker_up", METRIC_GAUGE, "1: the client is connected to the broker."},
        {"usertrail_kafka_broker_failures_total", METRIC_COUNTER,
         "Requests to the broker that failed or had no answer in time."},
        {"usertrail_kafka_broker_retries_total", METRIC_COUNTER, "Requests that were sent again."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        metric_begin(text, &metrics[i]);
        for (size_t j = 0; j < count; j++) {
            for (size_t k = 0; k < clients[j].figures.broker_count; k++) {
                const struct kafka_broker_figures *broker = &clients[j].figures.brokers[k];
                const uint64_t numbers[] = {broker->up, broker->failures, broker->retries};
                metric_add(
                    text,
                    METRIC_LABELS({"client", clients[j].name}, {"broker", str_from(broker->name)}),
                    numbers[i]);
            }
        }
    }
}

static void tell_round_trips(struct metric_text *text, const struct client *clients, size_t count)
{
    static const struct metric metrics[] = {
        {"usertrail_kafka_broker_round_trip_seconds", METRIC_GAUGE,
         "Mean time from a request to its answer, lately."},
        {"usertrail_kafka_broker_slowest_round_trip_seconds", METRIC_GAUGE,
         "The 99th percentile of these."},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(metrics); i++) {
        metric_begin(text, &metrics[i]);
        for (size_t j = 0; j < count; j++) {
            for (size_t k = 0; k < clients[j].figures.broker_count; k++) {
                const struct kafka_broker_figures *broker = &clients[j].figures.brokers[k];
                const uint64_t times_us[] = {broker->round_trip_us, broker->slowest_round_trip_us};
                metric_add_seconds(
                    text,
                    METRIC_LABELS({"client", clients[j].name}, {"broker", str_from(broker->name)}),
                    times_us[i] * NANOSECONDS_PER_MICROSECOND);
            }
        }
    }
}

void kafka_statistics_tell_metrics(struct metric_text *text, struct kafka_statistics *producer,
                                   struct kafka_statistics *consumer)
{
    struct client clients[CLIENTS_MAX];
    size_t count = 0;
    add_client(clients, &count, STR("producer"), producer);
    add_client(clients, &count, STR("consumer"), consumer);
    if (count > 0) {
        tell_of_clients(text, clients, count);
        tell_ages(text, clients, count);
        tell_counts_of_brokers(text, clients, count);
        tell_round_trips(text, clients, count);
    }
}
