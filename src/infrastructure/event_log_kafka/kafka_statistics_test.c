/* Guards what is kept of librdkafka's statistics: the numbers that are told and nothing else,
 * bounded whatever the client knows of, and nothing changes by a text that is none. */
#include "infrastructure/event_log_kafka/kafka_statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* As librdkafka writes it, with its spaces; most members are left out. */
static const char sample[] =
    "{ \"name\": \"rdkafka#producer-1\", \"type\": \"producer\", \"ts\":5016483227792, "
    "\"time\":1527060869, \"replyq\":0, \"msg_cnt\":22710, \"msg_size\":704010, "
    "\"msg_max\":500000, "
    "\"metadata_cache_cnt\":1, \"brokers\":{ \"localhost:9092/bootstrap\": { \"name\":\"b\", "
    "\"nodeid\":-1, \"state\":\"UP\", \"txerrs\":9 } , \"localhost:9092/2\": { "
    "\"name\":\"localhost:9092/2\", \"nodeid\":2, \"nodename\":\"localhost:9092\", "
    "\"source\":\"learned\", \"state\":\"UP\", \"stateage\":9057234, \"outbuf_cnt\":0, \"tx\":320, "
    "\"txerrs\":1, \"txretries\":4, \"req_timeouts\":2, \"rxerrs\":3, \"rtt\": { \"min\":1580, "
    "\"max\":3389, \"avg\":2349, \"sum\":79868, \"p99\":3389, \"hdrsize\":13 }, \"req\": { "
    "\"Produce\":34 }, \"toppars\":{ \"test-1\": { \"topic\":\"test\", \"partition\":1} } } , "
    "\"localhost:9093/3\": { \"state\":\"INIT\", \"rtt\": { \"avg\":-1 } } , "
    "\"GroupCoordinator\": { \"state\":\"UP\" } }, \"topics\":{ \"test\": { \"age\":9060, "
    "\"partitions\":{ \"0\": { \"msgs\":91 } } } } , \"tx\":631, \"tx_bytes\":168584479, "
    "\"rx\":631, \"rx_bytes\":31084, \"txmsgs\":4300753, \"txmsg_bytes\":133323343, \"rxmsgs\":7, "
    "\"rxmsg_bytes\":0 }";

static void the_numbers_are_read(void **state)
{
    (void)state;
    struct kafka_figures figures;
    assert_true(kafka_figures_read(str_from(sample), &figures));
    assert_int_equal(figures.queued_messages, 22710);
    assert_int_equal(figures.queued_bytes, 704010);
    assert_int_equal(figures.sent_messages, 4300753);
    assert_int_equal(figures.sent_bytes, 168584479);
    assert_int_equal(figures.received_messages, 7);
    assert_int_equal(figures.received_bytes, 31084);
    assert_int_equal(figures.broker_count, 2);
    const struct kafka_broker_figures *broker = &figures.brokers[0];
    assert_string_equal(broker->name, "2");
    assert_true(broker->up);
    assert_int_equal(broker->failures, 6);
    assert_int_equal(broker->retries, 4);
    assert_int_equal(broker->round_trip_us, 2349);
    assert_int_equal(broker->slowest_round_trip_us, 3389);
    assert_false(figures.brokers[1].up);
    assert_int_equal(figures.brokers[1].round_trip_us, 0);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len + 1 < sizeof sample; len++) {
        struct kafka_figures figures = {.queued_messages = 1};
        assert_false(kafka_figures_read((struct str){sample, len}, &figures));
        assert_int_equal(figures.queued_messages, 1);
    }
}

static void brokers_are_bounded(void **state)
{
    (void)state;
    struct buffer json;
    struct kafka_figures figures;
    buffer_init(&json, 1 << 20);
    buffer_append_literal(&json, "{\"brokers\":{");
    for (int i = 0; i < 100; i++) {
        buffer_append_format(&json, "%s\"%0100d/%d\":{\"state\":\"UP\"}", i == 0 ? "" : ",", i, i);
    }
    buffer_append_literal(&json, "}}");
    assert_true(kafka_figures_read(buffer_str(&json), &figures));
    assert_int_equal(figures.broker_count, KAFKA_BROKERS_TOLD_MAX);
    assert_string_equal(figures.brokers[KAFKA_BROKERS_TOLD_MAX - 1].name, "31");
    buffer_deinit(&json);
}

static uint64_t now_ns(void *context)
{
    return *(uint64_t *)context;
}

static void nothing_is_told_before_something_was_heard(void **state)
{
    (void)state;
    uint64_t now = 5 * NANOSECONDS_PER_SECOND;
    const struct clock clock = {now_ns, now_ns, &now};
    struct kafka_statistics producer;
    struct kafka_statistics consumer;
    struct buffer buffer;
    struct metric_text text = {.buffer = &buffer};
    kafka_statistics_init(&producer, &clock);
    kafka_statistics_init(&consumer, &clock);
    buffer_init(&buffer, 1 << 20);
    kafka_statistics_tell_metrics(&text, &producer, &consumer);
    assert_int_equal(buffer.len, 0);
    kafka_statistics_take(&producer, str_from(sample));
    kafka_statistics_take(&producer, STR("{"));
    now += NANOSECONDS_PER_SECOND / 2;
    kafka_statistics_tell_metrics(&text, &producer, &consumer);
    buffer_append_char(&buffer, '\0');
    assert_non_null(
        strstr(buffer.data, "\nusertrail_kafka_queued_messages{client=\"producer\"} 22710\n"));
    assert_non_null(
        strstr(buffer.data, "\nusertrail_kafka_statistics_age_seconds{client=\"producer\"} 0.5\n"));
    assert_non_null(strstr(buffer.data, "\nusertrail_kafka_broker_round_trip_seconds{client="
                                        "\"producer\",broker=\"2\"} 0.002349\n"));
    assert_null(strstr(buffer.data, "consumer"));
    buffer_deinit(&buffer);
    kafka_statistics_deinit(&producer);
    kafka_statistics_deinit(&consumer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_are_read),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(brokers_are_bounded),
        cmocka_unit_test(nothing_is_told_before_something_was_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
