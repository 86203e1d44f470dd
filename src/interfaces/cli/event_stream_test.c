/* Guards the reading of Server-Sent Events, in whatever pieces they come: data, names, places and
 * pauses, and that nothing of an event that was cut off is taken for one. */
#include "interfaces/cli/event_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct heard {
    struct event_stream stream;
    struct buffer text; /* "name|data|" of each event */
    enum status answer;
};

static enum status visit(void *context, const struct stream_event *event, struct error *err)
{
    struct heard *heard = context;
    (void)err;
    buffer_append_str(&heard->text, event->name);
    buffer_append_char(&heard->text, '|');
    buffer_append_str(&heard->text, event->data);
    buffer_append_char(&heard->text, '|');
    return heard->answer;
}

static int setup(void **state)
{
    static struct heard heard;
    heard = (struct heard){0};
    event_stream_init(&heard.stream, 1000, visit, &heard);
    buffer_init(&heard.text, 4096);
    *state = &heard;
    return 0;
}

static int teardown(void **state)
{
    struct heard *heard = *state;
    event_stream_deinit(&heard->stream);
    buffer_deinit(&heard->text);
    return 0;
}

static void take(struct heard *heard, const char *text, size_t piece)
{
    struct error err;
    struct str rest = str_from(text);
    while (rest.len > 0) {
        size_t len = rest.len < piece ? rest.len : piece;
        assert_int_equal(event_stream_take(&heard->stream, (struct str){rest.data, len}, &err),
                         STATUS_OK);
        rest = (struct str){rest.data + len, rest.len - len};
    }
}

static void expect(struct heard *heard, const char *text, const char *id)
{
    assert_true(str_equal(buffer_str(&heard->text), str_from(text)));
    assert_true(str_equal(buffer_str(&heard->stream.last_id), str_from(id)));
    buffer_clear(&heard->text);
}

static void events_come_in_any_pieces(void **state)
{
    struct heard *heard = *state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t end = 0; end < ARRAY_LENGTH(ends); end++) {
        char text[512] = "";
        static const char *const lines[] = {
            "retry: 2000",     "id: t1",   "",       ": heartbeat",
            "id: t2",          "",         "id: t3", "event: activity",
            "data: {\"a\":1}", "",         "data:x", "data",
            "data:  y",        "other: z", ""};
        for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s", lines[i], ends[end]);
        }
        for (size_t piece = 1; piece < 40; piece++) {
            take(heard, text, piece);
            expect(heard, "activity|{\"a\":1}|message|x\n\n y|", "t3");
            assert_int_equal(heard->stream.retry_ms, 2000);
        }
    }
}

static void places_move_without_events(void **state)
{
    struct heard *heard = *state;
    take(heard, "id: t1\n", 100);
    expect(heard, "", "");
    take(heard, "\n", 100);
    expect(heard, "", "t1");
}

static void what_was_cut_off_is_no_event(void **state)
{
    struct heard *heard = *state;
    take(heard, "id: t1\ndata: a\n\nid: t2\ndata: b\nda", 100);
    expect(heard, "message|a|", "t1");
    event_stream_restart(&heard->stream);
    take(heard, "\n", 100);
    expect(heard, "", "t1");
    take(heard, "data: c\n\n", 100);
    expect(heard, "message|c|", "t1");
}

static void who_hears_may_end_it(void **state)
{
    struct heard *heard = *state;
    struct error err;
    heard->answer = STATUS_BUSY;
    assert_int_equal(event_stream_take(&heard->stream, STR("id: t1\ndata: a\n\ndata: b\n\n"), &err),
                     STATUS_BUSY);
    expect(heard, "message|a|", "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_in_any_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(places_move_without_events, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_cut_off_is_no_event, setup, teardown),
        cmocka_unit_test_setup_teardown(who_hears_may_end_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
