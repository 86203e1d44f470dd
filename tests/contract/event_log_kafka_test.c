/*
 * What the event log on a real Kafka does beyond the contract of all logs: partitions, messages of
 * other programs, retention, topics that come and go, a producer that fails for good.
 */
#include "event_log_contract_support.h"
#include "infrastructure/event_log_kafka/kafka_log.h"
#include "kafka_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { POLL_WAIT_MS = 10000, PARTITIONS = 3, USERS = 7 };

struct fixture {
    char topic[TOPIC_BYTES];
    struct event_log_kafka_config config;
    struct event_log *log;
    struct collector collector;
    rd_kafka_t *client;
};

static void start(struct fixture *fixture, int partitions)
{
    kafka_fresh_name(fixture->topic);
    fixture->config = kafka_config(fixture->topic, "", partitions);
    fixture->client = kafka_client();
    collector_init(&fixture->collector);
    fixture->log = kafka_open(&fixture->config);
}

static void finish(struct fixture *fixture)
{
    event_log_free(fixture->log);
    collector_deinit(&fixture->collector);
    rd_kafka_destroy(fixture->client);
}

static void append_ok(struct fixture *fixture, uint64_t first, size_t count)
{
    assert_int_equal(append_and_wait(fixture->log, &fixture->collector, first, count), STATUS_OK);
}

static void rest(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Keeps the newest result with the positions that it reached. */
struct reaching {
    struct append_listener listener;
    pthread_mutex_t mutex;
    size_t count;
    enum status status;
    struct position_set reached;
};

static void note_reached(struct append_listener *listener, const struct append_result *results,
                         size_t count)
{
    struct reaching *reaching = CONTAINER_OF(listener, struct reaching, listener);
    pthread_mutex_lock(&reaching->mutex);
    for (size_t i = 0; i < count; i++) {
        reaching->count += results[i].count;
        reaching->status = results[i].status;
        for (size_t k = 0; k < results[i].reached_count; k++) {
            assert_int_equal(position_set_raise(&reaching->reached, results[i].reached[k]),
                             STATUS_OK);
        }
    }
    pthread_mutex_unlock(&reaching->mutex);
}

static size_t reached_count(struct reaching *reaching)
{
    pthread_mutex_lock(&reaching->mutex);
    size_t count = reaching->count;
    pthread_mutex_unlock(&reaching->mutex);
    return count;
}

static void append_over_partitions(struct fixture *fixture, struct reaching *reaching, size_t count)
{
    static struct numbered_activity memory[3000];
    static struct activity activities[3000];
    assert_in_range(count, 1, ARRAY_LENGTH(memory));
    for (size_t i = 0; i < count; i++) {
        numbered_activity_make(&memory[i], i);
        activities[i] = memory[i].activity;
    }
    const struct append_ticket ticket = {0};
    assert_int_equal(event_log_append(fixture->log, activities, count, &reaching->listener, ticket),
                     STATUS_OK);
    for (int i = 0; i < 2000 && reached_count(reaching) < count; i++) {
        rest(5);
    }
    assert_int_equal(reached_count(reaching), count);
    assert_int_equal(reaching->status, STATUS_OK);
}

/* The activities of one user stay in order; `next` and `reached` tell each partition. */
static void partitions_keep_each_users_order(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct fixture fixture;
    start(&fixture, PARTITIONS);
    struct reaching reaching = {.listener.completed = note_reached};
    pthread_mutex_init(&reaching.mutex, NULL);
    append_over_partitions(&fixture, &reaching, COUNT);
    int64_t offsets[PARTITIONS] = {0};
    uint64_t next_of_user[USERS] = {0, 1, 2, 3, 4, 5, 6};
    size_t count = 0;
    while (count < COUNT) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture.log, 500, POLL_WAIT_MS, &batch, NULL), STATUS_OK);
        assert_in_range(batch.count, 1, 500);
        for (size_t i = 0; i < batch.count; i++) {
            const struct logged_activity *row = &batch.rows[i];
            uint64_t number = numbered_activity_number(&row->activity);
            assert_int_equal(row->position.offset, offsets[row->position.partition]++);
            assert_int_equal(number, next_of_user[number % USERS]);
            next_of_user[number % USERS] += USERS;
        }
        for (size_t i = 0; i < batch.next->count; i++) {
            const struct position *next = &batch.next->items[i];
            assert_int_equal(next->offset, offsets[next->partition]);
        }
        count += batch.count;
    }
    struct position_set ends;
    position_set_init(&ends);
    assert_int_equal(event_log_end_position(fixture.log, &ends), STATUS_OK);
    assert_true(reaching.reached.count > 1); /* seven users are not all in one partition */
    for (int32_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(position_set_get(&ends, i), offsets[i]);
        int64_t reached = position_set_get(&reaching.reached, i);
        assert_true(offsets[i] == 0 ? reached == 0 : reached == offsets[i] - 1);
    }
    position_set_deinit(&ends);
    position_set_deinit(&reaching.reached);
    pthread_mutex_destroy(&reaching.mutex);
    finish(&fixture);
}

static void expect_str(struct str got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void poll_all_of(struct fixture *fixture, size_t count, struct activity_batch *out_batch)
{
    size_t got = 0;
    for (int i = 0; i < 100 && got < count; i++) {
        assert_int_equal(event_log_poll(fixture->log, 100, 100, out_batch, NULL), STATUS_OK);
        got = out_batch->count + out_batch->refused_count;
    }
    assert_int_equal(got, count); /* they were sent before, so they come at once */
}

/* Other programs' messages are activities when they can be, and otherwise told with all they are.
 */
static void messages_of_others_are_read_or_refused(void **state)
{
    (void)state;
    static const struct kafka_foreign_message messages[] = {
        {0, "u", "{\"userId\":\"u\",\"action\":\"a\"}", 1700000000123},
        {0, "k", "no activity", 1700000000124},
        {0, "k", NULL, 1700000000125},
        {0, NULL, "{\"userId\":7,\"action\":\"a\"}", 1700000000126},
        {0, NULL, "{\"userId\":\"v\",\"action\":\"b\",\"id\":\"mine\"}", 1700000000127},
    };
    struct fixture fixture;
    start(&fixture, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(messages); i++) {
        kafka_send(fixture.client, fixture.topic, &messages[i]);
    }
    struct activity_batch batch;
    poll_all_of(&fixture, ARRAY_LENGTH(messages), &batch);
    assert_int_equal(batch.count, 2);
    char id[100];
    snprintf(id, sizeof id, "%s-0-0-1700000000123", fixture.topic);
    expect_str(batch.rows[0].activity.id, id);
    assert_int_equal(batch.rows[0].activity.received_at_ms, 1700000000123);
    expect_str(batch.rows[1].activity.id, "mine");
    assert_int_equal(batch.rows[1].position.offset, 4);
    assert_int_equal(batch.refused_count, 3);
    expect_str(batch.refused[0].raw, "no activity");
    expect_str(batch.refused[0].key, "k");
    assert_int_equal(batch.refused[0].position.offset, 1);
    assert_int_equal(batch.refused[0].logged_at_ms, 1700000000124);
    assert_true(str_starts_with(batch.refused[0].reason, STR("this is not JSON")));
    assert_null(batch.refused[1].raw.data);
    assert_true(str_starts_with(batch.refused[1].reason, STR("the message has no value")));
    assert_null(batch.refused[2].key.data);
    expect_str(batch.refused[2].reason, "/userId must be a string, not a number");
    assert_int_equal(position_set_get(batch.next, 0), 5);
    finish(&fixture);
}

/* At most as many as asked for, with what is refused; nothing between two polls is lost. */
static void refused_messages_count_as_rows(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    const struct kafka_foreign_message poison = {0, NULL, "poison", 0};
    for (size_t i = 0; i < 5; i++) {
        kafka_send(fixture.client, fixture.topic, &poison);
        append_ok(&fixture, i, 1);
    }
    size_t count = 0;
    size_t refused = 0;
    while (count + refused < 10) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture.log, 3, POLL_WAIT_MS, &batch, NULL), STATUS_OK);
        assert_in_range(batch.count + batch.refused_count, 1, 3);
        count += batch.count;
        refused += batch.refused_count;
        assert_int_equal(position_set_get(batch.next, 0), count + refused);
    }
    assert_int_equal(count, 5);
    finish(&fixture);
}

/* Retention took what was not read yet: reading goes on behind it, and it is counted. */
static void what_retention_took_is_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    append_ok(&fixture, 0, 100);
    kafka_delete_records(fixture.client, fixture.topic, 0, 30);
    assert_int_equal(seek_to(fixture.log, 10), STATUS_OK);
    expect_numbers(fixture.log, 30, 100);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.missing, 20);
    event_log_free(fixture.log);
    /* The position is checked when the log is opened; it is passed afterwards. */
    fixture.log = kafka_open(&fixture.config);
    kafka_delete_records(fixture.client, fixture.topic, 0, 50);
    expect_numbers(fixture.log, 50, 100);
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.missing, 20);
    append_ok(&fixture, 100, 1);
    expect_numbers(fixture.log, 100, 101);
    finish(&fixture);
}

/* Polls until `next` names the partition's end; returns the rows. */
static size_t poll_to_the_end(struct fixture *fixture, int64_t end)
{
    size_t count = 0;
    int64_t next = 0;
    for (int i = 0; i < 100 && next < end; i++) {
        struct activity_batch batch;
        assert_int_equal(event_log_poll(fixture->log, 2, 100, &batch, NULL), STATUS_OK);
        int64_t told = position_set_get(batch.next, 0);
        assert_true(batch.next->count == 0 || told > next); /* never back */
        for (size_t k = 0; k < batch.count; k++) {
            assert_in_range(batch.rows[k].position.offset, next, told - 1);
        }
        next = batch.next->count == 0 ? next : told;
        count += batch.count;
    }
    assert_int_equal(next, end);
    return count;
}

/* The last offsets of a partition may hold no activity: how a transaction ended stands there, and
 * what it wrote in vain. Reading comes to the end all the same, once, and goes on behind it. */
static void transactions_are_read_to_their_end(void **state)
{
    (void)state;
    const struct kafka_foreign_message message = {0, "u", "{\"userId\":\"u\",\"action\":\"a\"}", 0};
    struct fixture fixture;
    struct activity_batch batch;
    start(&fixture, 1);
    kafka_send_transaction(fixture.topic, &message, 5, true);
    assert_int_equal(poll_to_the_end(&fixture, 6), 5);
    kafka_send_transaction(fixture.topic, &message, 3, false);
    assert_int_equal(poll_to_the_end(&fixture, 10), 0);
    assert_int_equal(event_log_poll(fixture.log, 10, 500, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.next->count, 0);
    append_ok(&fixture, 0, 1);
    assert_int_equal(poll_to_the_end(&fixture, 11), 1);
    kafka_send_transaction(fixture.topic, &message, 1, true);
    append_ok(&fixture, 1, 2);
    assert_int_equal(poll_to_the_end(&fixture, 15), 3);
    kafka_send_transaction(fixture.topic, &message, 2, false);
    assert_int_equal(seek_to(fixture.log, 0), STATUS_OK);
    assert_int_equal(poll_to_the_end(&fixture, 18), 9);
    finish(&fixture);
}

static void lead_astray(struct fixture *fixture)
{
    struct kafka_log *kafka = CONTAINER_OF(fixture->log, struct kafka_log, log);
    rd_kafka_t *client = kafka->reader->client;
    rd_kafka_queue_t *from = rd_kafka_queue_get_partition(client, fixture->topic, 0);
    rd_kafka_queue_t *to = rd_kafka_queue_get_consumer(client);
    rd_kafka_queue_forward(from, to);
    rd_kafka_queue_destroy(from);
    rd_kafka_queue_destroy(to);
}

/* As may be for a moment behind a restart, messages come to the queue that nobody reads for them.
 */
static void what_goes_astray_is_read_again(void **state)
{
    (void)state;
    struct fixture fixture;
    struct activity_batch batch;
    start(&fixture, 1);
    append_ok(&fixture, 0, 10);
    assert_int_equal(poll_to_the_end(&fixture, 10), 10);
    assert_int_equal(event_log_poll(fixture.log, 10, 0, &batch, NULL), STATUS_OK);
    lead_astray(&fixture);
    append_ok(&fixture, 10, 10);
    rest(1000); /* until they came and are gone */
    expect_numbers(fixture.log, 10, 20);
    append_ok(&fixture, 20, 10);
    expect_numbers(fixture.log, 20, 30);
    finish(&fixture);
}

static enum status poll_until_failure(struct fixture *fixture, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < 200 && status == STATUS_OK; i++) {
        struct activity_batch batch;
        status = event_log_poll(fixture->log, 10, 100, &batch, err);
    }
    return status;
}

/* A topic that is gone is not made anew by us; one that somebody made anew is another log. */
static void a_topic_made_anew_is_another_log(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    append_ok(&fixture, 0, 20);
    expect_numbers(fixture.log, 0, 20);
    kafka_delete_topic(fixture.client, fixture.topic);
    struct error err;
    assert_int_equal(poll_until_failure(&fixture, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "has no topic"));
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_UNAVAILABLE);
    assert_int_not_equal(append_and_wait(fixture.log, &fixture.collector, 20, 1), STATUS_OK);
    kafka_make_topic(fixture.client, fixture.topic, 1);
    enum status status = STATUS_UNAVAILABLE;
    for (int i = 0; i < 200 && status == STATUS_UNAVAILABLE; i++) {
        rest(50);
        status = poll_until_failure(&fixture, &err);
    }
    assert_int_equal(status, STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "made anew"));
    finish(&fixture);
}

static void new_partitions_are_read(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    append_ok(&fixture, 0, 5);
    expect_numbers(fixture.log, 0, 5);
    kafka_grow_topic(fixture.client, fixture.topic, 2);
    const struct kafka_foreign_message message = {1, NULL, "{\"userId\":\"u\",\"action\":\"a\"}",
                                                  0};
    kafka_send(fixture.client, fixture.topic, &message);
    struct activity_batch batch;
    assert_int_equal(event_log_poll(fixture.log, 10, 15000, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.rows[0].position.partition, 1);
    assert_int_equal(batch.rows[0].position.offset, 0);
    finish(&fixture);
}

/* The consumer stops fetching when its queue is full, and goes on as soon as there is room: by
 * itself it would look about once in a second, twenty times here. */
static void a_reader_far_behind_does_not_wait(void **state)
{
    (void)state;
    enum { COUNT = 60000, ENOUGH_MS = 5000 };
    struct fixture fixture;
    start(&fixture, 1);
    event_log_free(fixture.log);
    const struct event_log_kafka_property properties[] = {
        {"bootstrap.servers", kafka_brokers()},
        {"queued.max.messages.kbytes", "512"},
        {"fetch.message.max.bytes", "262144"},
    };
    fixture.config.properties = properties;
    fixture.config.property_count = ARRAY_LENGTH(properties);
    fixture.log = kafka_open(&fixture.config);
    append_ok(&fixture, 0, COUNT);
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    expect_numbers(fixture.log, 0, COUNT);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 0, ENOUGH_MS);
    finish(&fixture);
}

/* A producer instance that failed for good is replaced, and the log goes on. */
static void a_producer_that_failed_is_replaced(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    append_ok(&fixture, 0, 5);
    struct kafka_log *kafka = CONTAINER_OF(fixture.log, struct kafka_log, log);
    char name[64]; /* each instance has another one */
    snprintf(name, sizeof name, "%s", rd_kafka_name(kafka->producer->client));
    rd_kafka_resp_err_t code = rd_kafka_test_fatal_error(
        kafka->producer->client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "for a test");
    assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
    uint64_t count = 5;
    enum status status = STATUS_UNAVAILABLE;
    for (; count < 500 && status != STATUS_OK; count++) {
        status = append_and_wait(fixture.log, &fixture.collector, count, 1);
        rest(5);
    }
    assert_int_equal(status, STATUS_OK);
    assert_string_not_equal(rd_kafka_name(kafka->producer->client), name);
    append_ok(&fixture, count, 5);
    assert_int_equal(collector_count(&fixture.collector), count - 5 + 2);
    finish(&fixture);
}

/* Random letters, which no compression makes small. */
static void fill_metadata(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('A' + random_below(&random_system, 26));
    }
    memcpy(text, "{\"fill\":\"", 9);
    memcpy(text + len - 2, "\"}", 2);
}

/* A topic that takes less than an activity can have: many small ones come in, in batches that it
 * takes, and a large one is refused before it can fail. */
static void what_a_topic_does_not_take_is_refused(void **state)
{
    (void)state;
    static char metadata[60000];
    struct fixture fixture;
    start(&fixture, 1);
    event_log_free(fixture.log);
    kafka_fresh_name(fixture.topic);
    kafka_make_narrow_topic(fixture.client, fixture.topic, "20000");
    fixture.log = kafka_open(&fixture.config);
    fill_metadata(metadata, sizeof metadata);
    struct activity large = {.id = STR("i"), .user_id = STR("u"), .action = STR("a")};
    large.metadata = (struct str){metadata, sizeof metadata};
    const struct append_ticket ticket = {.generation = 1};
    assert_int_equal(event_log_append(fixture.log, &large, 1, &fixture.collector.listener, ticket),
                     STATUS_TOO_LARGE);
    struct event_log_state about;
    for (size_t i = 0; i < 200; i++) {
        fill_metadata(metadata, 1000);
        large.metadata.len = 1000;
        assert_int_equal(
            event_log_append(fixture.log, &large, 1, &fixture.collector.listener, ticket),
            STATUS_OK);
    }
    collector_wait(&fixture.collector, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(fixture.collector.items[i].status, STATUS_OK);
    }
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_OK);
    assert_int_equal(about.activity_bytes_max, 20000 - 1024); /* without the frame of a batch */
    finish(&fixture);
}

static void says_what_is_less_safe_than_it_should_be(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, 1);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_non_null(strstr(about.warning, "one replica"));
    assert_int_equal(about.bytes, 0);
    assert_int_equal(about.bytes_max, 0);
    struct kafka_topic_facts facts = {.replication = 3, .min_in_sync = 1};
    kafka_topic_warn(&facts, "t", about.warning);
    assert_non_null(strstr(about.warning, "min.insync.replicas 1"));
    facts.min_in_sync = 2;
    kafka_topic_warn(&facts, "t", about.warning);
    assert_string_equal(about.warning, "");
    finish(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_keep_each_users_order),
        cmocka_unit_test(messages_of_others_are_read_or_refused),
        cmocka_unit_test(refused_messages_count_as_rows),
        cmocka_unit_test(what_retention_took_is_counted),
        cmocka_unit_test(transactions_are_read_to_their_end),
        cmocka_unit_test(what_goes_astray_is_read_again),
        cmocka_unit_test(a_topic_made_anew_is_another_log),
        cmocka_unit_test(new_partitions_are_read),
        cmocka_unit_test(a_reader_far_behind_does_not_wait),
        cmocka_unit_test(a_producer_that_failed_is_replaced),
        cmocka_unit_test(what_a_topic_does_not_take_is_refused),
        cmocka_unit_test(says_what_is_less_safe_than_it_should_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
