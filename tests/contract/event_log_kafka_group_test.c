/*
 * Members of a group on a real Kafka: they share partitions, hand over without loss, begin at what
 * is committed, and keep their membership while their store is away.
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
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PARTITIONS = 4, NUMBERS_MAX = 4000, ROUND = 400, ROUNDS_MAX = 6 };

#define TAKEN "the group took partitions"

struct fixture {
    char topic[TOPIC_BYTES];
    struct event_log_kafka_config config;
    rd_kafka_t *client;
    size_t partitions;
    size_t counts[NUMBERS_MAX]; /* how often each number was handed out */
};

static void start(struct fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    kafka_fresh_name(fixture->topic);
    fixture->config = kafka_config(fixture->topic, fixture->topic, PARTITIONS);
    fixture->config.produces = false;
    fixture->partitions = PARTITIONS;
    fixture->client = kafka_client();
    kafka_make_topic(fixture->client, fixture->topic, PARTITIONS);
}

static void finish(struct fixture *fixture)
{
    rd_kafka_destroy(fixture->client);
}

static void rest(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void send_numbers(struct fixture *fixture, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        char value[100];
        snprintf(value, sizeof value, "{\"id\":\"n-%zu\",\"userId\":\"u\",\"action\":\"a\"}", i);
        const struct kafka_foreign_message message = {
            .partition = (int32_t)(i % fixture->partitions), .value = value};
        kafka_give(fixture->client, fixture->topic, &message);
    }
    assert_int_equal(rd_kafka_flush(fixture->client, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* Joins as a further member and does not wait for partitions. */
static struct event_log *join(struct fixture *fixture)
{
    struct event_log *log = NULL;
    struct error err;
    enum status status = event_log_kafka_new(&fixture->config, &log, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    return log;
}

/* One poll, counted and, as a durable store would, committed. */
static size_t work(struct fixture *fixture, struct event_log *log, bool commit)
{
    struct activity_batch batch;
    struct error err;
    enum status status = event_log_poll(log, 50, 20, &batch, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    for (size_t i = 0; i < batch.count; i++) {
        size_t number = (size_t)strtoul(batch.rows[i].activity.id.data + 2, NULL, 10);
        assert_in_range(number, 0, NUMBERS_MAX - 1);
        fixture->counts[number]++;
    }
    if (commit) {
        assert_int_equal(event_log_commit(log, batch.next, &err), STATUS_OK);
    }
    return batch.count;
}

static size_t seen(const struct fixture *fixture, size_t first, size_t end)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++) {
        count += fixture->counts[i] > 0;
    }
    return count;
}

/* Both members work until all numbers up to `end` were seen. */
static void work_until_seen(struct fixture *fixture, struct event_log *a, struct event_log *b,
                            size_t end)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + 20000;
    while (seen(fixture, 0, end) < end && clock_monotonic_ms(&clock_system) < give_up_at_ms) {
        work(fixture, a, true);
        if (b != NULL) {
            work(fixture, b, true);
        }
    }
    assert_int_equal(seen(fixture, 0, end), end);
}

/* Two members share, and when one leaves the other goes on where it was: nothing is lost, and what
 * was committed is not read again. */
static void members_share_and_hand_over(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    struct event_log *first = kafka_open(&fixture.config);
    struct event_log *second = join(&fixture);
    kafka_await_partitions(first, PARTITIONS / 2);
    kafka_await_partitions(second, PARTITIONS / 2);
    send_numbers(&fixture, 0, 1000);
    work_until_seen(&fixture, first, second, 1000);
    event_log_free(first);
    kafka_await_partitions(second, PARTITIONS);
    send_numbers(&fixture, 1000, 2000);
    work_until_seen(&fixture, second, NULL, 2000);
    for (size_t i = 0; i < 2000; i++) {
        assert_int_equal(fixture.counts[i], 1);
    }
    event_log_free(second);
    finish(&fixture);
}

/* How often the group took partitions from a member, as the lines of all of them tell. */
static size_t count_taken(int lines)
{
    static char text[1 << 18];
    size_t count = 0;
    ssize_t len = pread(lines, text, sizeof text - 1, 0);
    assert_in_range(len, 0, sizeof text - 2);
    text[len] = '\0';
    for (const char *at = text; (at = strstr(at, TAKEN)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Where partitions went from one member to the other meanwhile, what the one had under way comes to
 * the other as well: the contract allows that, and a member that is slow makes it likelier. */
static void expect_once(const struct fixture *fixture, size_t first, size_t end, bool moved)
{
    for (size_t i = first; i < end; i++) {
        assert_in_range(fixture->counts[i], 1, moved ? NUMBERS_MAX : 1);
    }
}

/* Numbers from `first` on, in rounds, until one in which nothing went from one to the other: each
 * of those came once. */
static void expect_quiet_round(struct fixture *fixture, struct event_log *a, struct event_log *b,
                               size_t first, int lines)
{
    bool moved = true;
    for (size_t i = 0; moved && i < ROUNDS_MAX; i++) {
        size_t begin = first + i * ROUND;
        size_t taken = count_taken(lines);
        send_numbers(fixture, begin, begin + ROUND);
        work_until_seen(fixture, a, b, begin + ROUND);
        for (int turn = 0; turn < 25; turn++) { /* what comes twice may come late */
            work(fixture, a, true);
            work(fixture, b, true);
        }
        moved = count_taken(lines) > taken;
        expect_once(fixture, begin, begin + ROUND, moved);
    }
    assert_false(moved);
}

/* A topic that gets more partitions, of which each is read by the member that the group gives it
 * to, and the others go on where they are. */
static void new_partitions_are_shared(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    int lines = memfd_create("lines", MFD_CLOEXEC);
    assert_true(lines >= 0);
    const struct logger logger = {.clock = &clock_system, .descriptor = lines, .level = LOG_INFO};
    fixture.config.logger = &logger;
    struct event_log *first = kafka_open(&fixture.config);
    struct event_log *second = join(&fixture);
    kafka_await_partitions(first, PARTITIONS / 2);
    kafka_await_partitions(second, PARTITIONS / 2);
    send_numbers(&fixture, 0, 400);
    work_until_seen(&fixture, first, second, 400);
    size_t taken = count_taken(lines);
    fixture.partitions = 2 * PARTITIONS;
    kafka_grow_topic(fixture.client, fixture.topic, 2 * PARTITIONS);
    send_numbers(&fixture, 400, 1200);
    work_until_seen(&fixture, first, second, 1200);
    kafka_await_partitions(first, PARTITIONS);
    kafka_await_partitions(second, PARTITIONS);
    expect_quiet_round(&fixture, first, second, 1200, lines);
    expect_once(&fixture, 0, 1200, count_taken(lines) > taken);
    event_log_free(first);
    event_log_free(second);
    close(lines);
    finish(&fixture);
}

/* A member that did not commit leaves its work to the next one. */
static void what_is_not_committed_is_read_again(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 400);
    struct event_log *log = kafka_open(&fixture.config);
    while (seen(&fixture, 0, 400) < 400) {
        work(&fixture, log, false);
    }
    event_log_free(log);
    memset(fixture.counts, 0, sizeof fixture.counts);
    log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 400);
    event_log_free(log); /* commits what it was told last */
    log = kafka_open(&fixture.config);
    send_numbers(&fixture, 400, 401);
    work_until_seen(&fixture, log, NULL, 401);
    for (size_t i = 0; i < 401; i++) {
        assert_int_equal(fixture.counts[i], 1);
    }
    event_log_free(log);
    finish(&fixture);
}

/* Kafka forgets the group's offsets with a topic that is deleted, and what a store names is then of
 * another topic: all that is there is read, from partitions that come before seek and behind it. */
static void what_is_not_committed_is_read_from_the_beginning(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 400);
    struct event_log *first = kafka_open(&fixture.config);
    struct event_log *second = join(&fixture);
    kafka_seek_all(first, PARTITIONS, 50);
    kafka_seek_all(second, PARTITIONS, 50);
    work_until_seen(&fixture, first, second, 400);
    event_log_free(first);
    event_log_free(second);
    finish(&fixture);
}

/* The store is further than what was committed, as after a crash between both: what it has is
 * handed out once more, for nobody may have listed what it refused. */
static void what_is_committed_counts_before_what_is_sought(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 200);
    struct event_log *log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 200);
    event_log_free(log); /* at offset 50 of each partition */
    send_numbers(&fixture, 200, 400);
    log = join(&fixture);
    kafka_seek_all(log, PARTITIONS, 75);
    kafka_await_partitions(log, PARTITIONS);
    work_until_seen(&fixture, log, NULL, 400);
    for (size_t i = 0; i < 400; i++) {
        assert_int_equal(fixture.counts[i], 1);
    }
    event_log_free(log);
    finish(&fixture);
}

/* What the store has of the time before is told as committed before anything is handed out, and the
 * worker dies then: nothing of it was dealt with here, so it comes again. */
static void what_was_not_handed_out_is_not_committed(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 400);
    struct event_log *log = kafka_open(&fixture.config);
    kafka_commit_all(log, PARTITIONS, 75);
    rest(2500); /* longer than a member waits before it commits */
    event_log_free(log);
    log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 400);
    event_log_free(log);
    finish(&fixture);
}

/* A poll that fails hands nothing out, so that the next one tells where reading begins. */
static void a_failed_poll_does_not_lose_where_reading_begins(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 400);
    struct event_log *log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 400);
    event_log_free(log);
    log = kafka_open(&fixture.config);
    struct kafka_log *kafka = CONTAINER_OF(log, struct kafka_log, log);
    struct activity_batch batch;
    kafka_health_unreachable(&kafka->health, "for a test");
    assert_int_equal(event_log_poll(log, 10, 0, &batch, NULL), STATUS_UNAVAILABLE);
    kafka_health_answered(&kafka->health, true, "");
    assert_int_equal(event_log_poll(log, 10, 0, &batch, NULL), STATUS_OK);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        assert_int_equal(position_set_get(batch.next, i), 400 / PARTITIONS);
    }
    assert_int_equal(event_log_poll(log, 10, 0, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.next->count, 0); /* once is enough */
    event_log_free(log);
    finish(&fixture);
}

/* A worker whose store is away does not poll for longer than the group allows, and is still in it.
 */
static void a_waiting_worker_stays_in_the_group(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    const struct event_log_kafka_property properties[] = {
        {"bootstrap.servers", kafka_brokers()},
        {"session.timeout.ms", "6000"},
        {"heartbeat.interval.ms", "500"},
        {"max.poll.interval.ms", "6000"},
    };
    fixture.config.properties = properties;
    fixture.config.property_count = ARRAY_LENGTH(properties);
    struct event_log *log = kafka_open(&fixture.config);
    send_numbers(&fixture, 0, 200);
    while (seen(&fixture, 0, 200) < 100) {
        work(&fixture, log, true);
    }
    rest(8000);
    kafka_await_partitions(log, PARTITIONS);
    work_until_seen(&fixture, log, NULL, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(fixture.counts[i], 1);
    }
    event_log_free(log);
    finish(&fixture);
}

/* Made anew, the topic ends below what this member read. */
static void a_topic_made_anew_is_another_log(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    send_numbers(&fixture, 0, 200);
    struct event_log *log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 200);
    kafka_delete_topic(fixture.client, fixture.topic);
    kafka_await_partitions(log, 0); /* and what was committed is gone with them */
    kafka_make_topic(fixture.client, fixture.topic, PARTITIONS);
    enum status status = STATUS_OK;
    struct error err;
    for (int i = 0; i < 300 && status != STATUS_CORRUPT; i++) {
        struct activity_batch batch;
        status = event_log_poll(log, 10, 100, &batch, &err);
        rest(status == STATUS_OK ? 0 : 50);
    }
    assert_int_equal(status, STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "made anew"));
    event_log_free(log);
    finish(&fixture);
}

/* A static member that comes back within its session gets its partitions without a new division. */
static void a_static_member_comes_back(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    fixture.config.instance_id = "worker-1";
    struct event_log *log = kafka_open(&fixture.config);
    send_numbers(&fixture, 0, 100);
    work_until_seen(&fixture, log, NULL, 100);
    event_log_free(log);
    log = kafka_open(&fixture.config);
    send_numbers(&fixture, 100, 200);
    work_until_seen(&fixture, log, NULL, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(fixture.counts[i], 1);
    }
    event_log_free(log);
    finish(&fixture);
}

/* Where messages of the first partition go from now on. */
static void lead(struct kafka_reader *reader, const char *topic, rd_kafka_queue_t *to)
{
    rd_kafka_queue_t *from = rd_kafka_queue_get_partition(reader->client, topic, 0);
    rd_kafka_queue_forward(from, to);
    rd_kafka_queue_destroy(from);
}

/* Ten activities come to the queue that nobody reads for them, long after those behind them were
 * committed, and the member ends before it reads again: what it committed must not hide them. */
static void what_went_astray_is_not_committed(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture);
    fixture.partitions = 1;
    struct event_log *log = kafka_open(&fixture.config);
    struct kafka_reader *reader = CONTAINER_OF(log, struct kafka_log, log)->reader;
    kafka_await_partitions(log, PARTITIONS);
    send_numbers(&fixture, 0, 5);
    work_until_seen(&fixture, log, NULL, 5);
    rd_kafka_queue_t *late = rd_kafka_queue_new(reader->client);
    lead(reader, fixture.topic, late);
    send_numbers(&fixture, 5, 15);
    rest(500);
    lead(reader, fixture.topic, reader->queue);
    send_numbers(&fixture, 15, 20);
    for (int i = 0; i < 200 && seen(&fixture, 15, 20) < 5; i++) {
        work(&fixture, log, true);
    }
    assert_int_equal(seen(&fixture, 0, 20), 10);
    work(&fixture, log, true);
    rest(1500); /* until it is committed */
    rd_kafka_queue_t *wrong = rd_kafka_queue_get_consumer(reader->client);
    rd_kafka_queue_forward(late, wrong);
    rest(500);
    rd_kafka_queue_destroy(wrong);
    rd_kafka_queue_destroy(late);
    event_log_free(log);
    log = kafka_open(&fixture.config);
    work_until_seen(&fixture, log, NULL, 20);
    event_log_free(log);
    finish(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_share_and_hand_over),
        cmocka_unit_test(what_went_astray_is_not_committed),
        cmocka_unit_test(new_partitions_are_shared),
        cmocka_unit_test(what_is_not_committed_is_read_again),
        cmocka_unit_test(what_is_not_committed_is_read_from_the_beginning),
        cmocka_unit_test(what_is_committed_counts_before_what_is_sought),
        cmocka_unit_test(what_was_not_handed_out_is_not_committed),
        cmocka_unit_test(a_failed_poll_does_not_lose_where_reading_begins),
        cmocka_unit_test(a_waiting_worker_stays_in_the_group),
        cmocka_unit_test(a_topic_made_anew_is_another_log),
        cmocka_unit_test(a_static_member_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
