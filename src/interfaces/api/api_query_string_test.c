/*
 * Guards the query string: every parameter and its limits, refusal by name of everything else (a
 * misspelt filter must not answer with everybody's activities), decoding, and the query of the Link
 * header, which must lead on where it is sent back.
 */
#include "base/timestamp.h"
#include "base/utf8.h"
#include "interfaces/api/api_query_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct api_question question;
    struct api_stats_question stats;
    struct error err;
};

static struct fixture fixture;

static int fixture_setup(void **state)
{
    (void)state;
    arena_init(&fixture.arena, 1 << 20);
    return 0;
}

static int fixture_teardown(void **state)
{
    (void)state;
    arena_deinit(&fixture.arena);
    return 0;
}

static enum status read_str(struct str query)
{
    fixture.err = (struct error){0};
    return api_question_read(query, &fixture.arena, &fixture.question, &fixture.err);
}

static const struct find_activities_question *expect_read(const char *query)
{
    if (read_str(str_from(query)) != STATUS_OK) {
        fail_msg("%s: %s", query, fixture.err.message);
    }
    return &fixture.question.find;
}

/* The message also has to be fit for a JSON text. */
static void expect_refused(const char *query, const char *word)
{
    size_t code_points;
    if (read_str(str_from(query)) != STATUS_INVALID || strstr(fixture.err.message, word) == NULL) {
        fail_msg("%s: \"%s\" does not name %s", query, fixture.err.message, word);
    }
    assert_int_equal(fixture.err.status, STATUS_INVALID);
    assert_true(utf8_count(str_from(fixture.err.message), &code_points));
}

static void expect_everything(const struct find_activities_question *question)
{
    assert_int_equal(question->filter.user_ids.count, 0);
    assert_int_equal(question->filter.actions.count, 0);
    assert_int_equal(question->filter.from_ms, TIMESTAMP_MS_MIN);
    assert_int_equal(question->filter.to_ms, TIMESTAMP_MS_MAX + 1);
    assert_int_equal(question->order, ORDER_NEWEST_FIRST);
    assert_int_equal(question->limit, FIND_LIMIT_DEFAULT);
    assert_int_equal(question->page, 0);
    assert_null(question->cursor.data);
}

static void no_parameter_asks_for_everything(void **state)
{
    (void)state;
    assert_int_equal(read_str((struct str){0}), STATUS_OK);
    expect_everything(&fixture.question.find);
    expect_everything(expect_read(""));
    expect_everything(expect_read("&"));
    expect_everything(expect_read("&&&"));
}

static void reads_every_parameter(void **state)
{
    (void)state;
    const struct find_activities_question *question =
        expect_read("userId=ann&action=click&from=2024-01-15T10:00:00Z&to=2024-01-15T12:00:00%2B01:"
                    "00&limit=5&page=3&order=asc&&userId=bob");
    assert_int_equal(question->filter.user_ids.count, 2);
    assert_true(str_equal(question->filter.user_ids.items[0], STR("ann")));
    assert_true(str_equal(question->filter.user_ids.items[1], STR("bob")));
    assert_int_equal(question->filter.actions.count, 1);
    assert_true(str_equal(question->filter.actions.items[0], STR("click")));
    assert_int_equal(question->filter.from_ms, INT64_C(1705312800000));
    assert_int_equal(question->filter.to_ms, INT64_C(1705316400000));
    assert_int_equal(question->limit, 5);
    assert_int_equal(question->page, 3);
    assert_int_equal(question->order, ORDER_OLDEST_FIRST);
    question = expect_read("order=desc&cursor=abc");
    assert_int_equal(question->order, ORDER_NEWEST_FIRST);
    assert_true(str_equal(question->cursor, STR("abc")));
}

static bool matches(const char *metadata)
{
    return metadata_filter_matches(fixture.question.find.filter.metadata, str_from(metadata));
}

static void reads_conditions_on_metadata(void **state)
{
    (void)state;
    const struct find_activities_question *question =
        expect_read("metadata.a.b=1&userId=ann&metadata.c%5C.d=x+y%26&metadata.a%2Eb=2&limit=5");
    assert_int_equal(question->filter.metadata->path_count, 2);
    assert_int_equal(question->filter.metadata->value_count, 3);
    assert_true(matches("{\"a\":{\"b\":1},\"c.d\":\"x y&\"}"));
    assert_true(matches("{\"a\":{\"b\":2},\"c.d\":\"x y&\"}"));
    assert_false(matches("{\"a\":{\"b\":3},\"c.d\":\"x y&\"}"));
    assert_false(matches("{\"a\":{\"b\":1}}"));
    assert_int_equal(question->filter.user_ids.count, 1);
    assert_int_equal(question->limit, 5);
    expect_read("userId=ann&metadata.a=");
    assert_true(matches("{\"a\":\"\"}"));
    assert_false(matches("{\"a\":\"x\"}"));
    /* What was read before is forgotten. */
    assert_false(activity_filter_asks_metadata(&expect_read("userId=ann")->filter));
}

static void metadata_needs_something_beside_it(void **state)
{
    (void)state;
    expect_read("metadata.a=1&action=click");
    expect_read("metadata.a=1&userId=ann");
    expect_read("metadata.a=1&from=1970-01-01T00:00:00Z");
    expect_read("to=2024-01-15T10:00:00Z&metadata.a=1");
    expect_refused("metadata.a=1", "needs userId, action, from or to beside it");
    expect_refused("metadata.a=1&limit=5&order=asc&page=2", "needs userId, action, from or to");
    expect_refused("cursor=x&metadata.a=1", "needs userId, action, from or to");
}

static void wrong_conditions_on_metadata_are_refused(void **state)
{
    (void)state;
    char query[METADATA_VALUE_BYTES_MAX + 64];
    expect_refused("userId=a&metadata.$where=1", "$where");
    expect_refused("userId=a&metadata.a.%24gt=1", "$gt");
    expect_refused("userId=a&metadata.a[$ne]=1", "a[$ne]");
    expect_refused("userId=a&metadata.=1", "empty member");
    expect_refused("userId=a&metadata.a..b=1", "metadata.a..b");
    expect_refused("userId=a&metadata.a%5Cb=1", "backslash");
    expect_refused("userId=a&metadata.a=%ff", "metadata.a is not percent-encoded UTF-8");
    snprintf(query, sizeof query, "userId=a&metadata.a=%0*d", METADATA_VALUE_BYTES_MAX + 1, 0);
    expect_refused(query, "at most 1024 bytes");
    snprintf(query, sizeof query, "userId=a&metadata.%0*d=1", METADATA_PATH_BYTES_MAX + 1, 0);
    expect_refused(query, "at most 256 bytes");
    expect_refused("userId=a&metadata.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "at most 16 members");
    expect_refused("userId=a&metadata.1=1&metadata.2=1&metadata.3=1&metadata.4=1&metadata.5=1"
                   "&metadata.6=1&metadata.7=1&metadata.8=1&metadata.9=1",
                   "at most 8");
}

/* Present and empty is not absent: who decodes it must refuse it. */
static void an_empty_cursor_is_a_cursor(void **state)
{
    (void)state;
    assert_non_null(expect_read("cursor=")->cursor.data);
    assert_non_null(expect_read("cursor")->cursor.data);
}

static void decodes_names_and_values(void **state)
{
    (void)state;
    const struct find_activities_question *question =
        expect_read("user%49d=a%20b+c%26d%3D%2B%25&userId=%c3%A9&userId=a=b&userId=%5Bobject]");
    assert_int_equal(question->filter.user_ids.count, 4);
    assert_true(str_equal(question->filter.user_ids.items[0], STR("a b c&d=+%")));
    assert_true(str_equal(question->filter.user_ids.items[1], STR("\xc3\xa9")));
    assert_true(str_equal(question->filter.user_ids.items[2], STR("a=b")));
    assert_true(str_equal(question->filter.user_ids.items[3], STR("[object]")));
}

static void a_repeated_value_counts_once(void **state)
{
    (void)state;
    char query[64 * 40] = "";
    size_t used = 0;
    for (int i = 0; i < FILTER_NAMES_MAX; i++) {
        used += (size_t)snprintf(query + used, sizeof query - used, "userId=u%d&action=a%d&", i, i);
    }
    snprintf(query + used, sizeof query - used, "userId=u7&action=a7");
    assert_int_equal(expect_read(query)->filter.user_ids.count, FILTER_NAMES_MAX);
    assert_int_equal(fixture.question.find.filter.actions.count, FILTER_NAMES_MAX);
    snprintf(query + used, sizeof query - used, "userId=other");
    expect_refused(query, "at most 64");
    snprintf(query + used, sizeof query - used, "action=other");
    expect_refused(query, "at most 64");
}

static void what_is_left_out_is_said_by_not(void **state)
{
    (void)state;
    const struct activity_filter *filter =
        &expect_read("not.userId=ann&not.userId=bob&not.userId=ann&action=a&not%2Eaction=a"
                     "&not.metadata.a.b=1&not.metadata.a.b=2&metadata.not.x=3")
             ->filter;
    const struct activity_exclusions *excluded = &filter->excluded;
    assert_int_equal(filter->user_ids.count, 0);
    assert_int_equal(excluded->user_ids.count, 2);
    assert_true(str_equal(excluded->user_ids.items[1], STR("bob")));
    assert_int_equal(filter->actions.count, 1);
    assert_int_equal(excluded->actions.count, 1);
    assert_true(str_equal(excluded->actions.items[0], STR("a")));
    assert_int_equal(excluded->metadata->value_count, 2);
    assert_true(metadata_filter_finds_any(excluded->metadata, STR("{\"a\":{\"b\":2}}")));
    assert_true(metadata_filter_matches(filter->metadata, STR("{\"not\":{\"x\":3}}")));
    assert_int_equal(expect_read("userId=a")->filter.excluded.user_ids.count, 0);
    assert_int_equal(metadata_filter_value_count(expect_read("userId=a")->filter.excluded.metadata),
                     0);
}

static void what_is_left_out_has_its_bounds(void **state)
{
    (void)state;
    char query[64 * 60] = "";
    size_t used = 0;
    for (int i = 0; i < FILTER_NAMES_MAX; i++) {
        used += (size_t)snprintf(query + used, sizeof query - used,
                                 "not.userId=u%d&not.action=a%d&", i, i);
    }
    snprintf(query + used, sizeof query - used, "userId=x&action=y");
    assert_int_equal(expect_read(query)->filter.excluded.user_ids.count, FILTER_NAMES_MAX);
    snprintf(query + used, sizeof query - used, "not.userId=other");
    expect_refused(query, "not.userId and not.action may each appear at most 64 times");
    snprintf(query + used, sizeof query - used, "not.action=other");
    expect_refused(query, "not.userId and not.action may each appear at most 64 times");
    expect_refused("not.userId=", "not.userId and not.action must not be empty");
    expect_refused("not.from=2024-01-15T10:00:00Z", "not.from is not known");
    expect_refused("not.limit=5", "not.<field>");
    expect_refused("not.=5", "parameter not. is not known");
    expect_refused("not.not.action=a", "not.not.action is not known");
    expect_refused("userId=a&not.metadata.$x=1", "metadata.$x");
    expect_refused("userId=a&not.metadata.=1", "empty member");
    /* What is left of all activities is as many as all to look into. */
    expect_refused("not.metadata.a=1", "needs userId, action, from or to");
    expect_refused("not.metadata.a=1&not.action=b&not.userId=c", "needs userId");
    expect_refused("metadata.a=1&not.action=b", "needs userId");
    expect_read("not.metadata.a=1&action=b");
}

static void unknown_parameters_are_refused_by_name(void **state)
{
    (void)state;
    expect_refused("user=ann", "user ");
    expect_refused("userid=ann", "userid");
    expect_refused("userId[$ne]=x", "userId[$ne]");
    expect_refused("userId%5B%24ne%5D=x", "userId[$ne]");
    expect_refused("metadata[a]=1&userId=a", "parameter metadata[a] is not known");
    expect_refused("metadata[$ne]=1", "metadata[$ne]");
    expect_refused("metadata=1", "parameter metadata is not known");
    expect_refused("Metadata.a=1", "Metadata.a");
    expect_refused("meta.a=1", "metadata.<path>");
    expect_refused("limit=5&Limit=6", "Limit");
    expect_refused("=x", "not known");
    expect_refused("=", "not known");
    expect_refused("userId", "must not be empty");
    expect_refused(" userId=ann", " userId");
}

static void values_have_their_limits(void **state)
{
    (void)state;
    assert_int_equal(expect_read("limit=1")->limit, 1);
    assert_int_equal(expect_read("limit=1000")->limit, 1000);
    assert_int_equal(expect_read("page=4294967295")->page, UINT32_MAX);
    assert_int_equal(expect_read("to=1970-01-01T00:00:00Z")->filter.to_ms, 0);
    static const char *const limits[] = {"0", "1001", "-1", "+5",  "5.0",
                                         "",  "x",    "5 ", "1e3", "99999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        char query[64];
        snprintf(query, sizeof query, "limit=%s", limits[i]);
        expect_refused(query, "limit must be a number from 1 to 1000");
    }
    expect_refused("page=0", "page");
    expect_refused("page=-1", "page");
    expect_refused("page=4294967296", "page");
    expect_refused("order=", "order");
    expect_refused("order=ASC", "order");
    assert_false(expect_read("count=false")->counts);
    assert_true(expect_read("count=true")->counts);
    expect_refused("count=1", "count must be true or false");
    expect_refused("count=", "count must be true or false");
    expect_refused("from=yesterday", "from");
    expect_refused("from=", "from");
    expect_refused("from=2024-01-15T10:00:00+01:00", "%2B");
    expect_refused("to=2024-01-15", "to ");
    expect_refused("userId=", "must not be empty");
    expect_refused("action=&userId=a", "must not be empty");
}

static void only_lists_may_be_repeated(void **state)
{
    (void)state;
    static const char *const names[] = {"from", "to", "limit", "page", "cursor", "order", "count"};
    static const char *const values[] = {
        "2024-01-15T10:00:00Z", "2024-01-15T10:00:00Z", "1", "1", "a", "asc", "true"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        char query[128];
        snprintf(query, sizeof query, "%s=%s&%s=%s", names[i], values[i], names[i], values[i]);
        expect_refused(query, names[i]);
    }
}

static void broken_encoding_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"%",    "%4",        "%zz",    "%4g",
                                         "a%",   "%00",       "%ff",    "%c3",
                                         "\xff", "%ed%a0%80", "%c0%af", "%f4%90%80%80"};
    for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
        char query[64];
        snprintf(query, sizeof query, "userId=%s", values[i]);
        expect_refused(query, "userId is not percent-encoded UTF-8");
        snprintf(query, sizeof query, "%s=x", values[i]);
        expect_refused(query, "is not percent-encoded UTF-8");
    }
}

/* A name is cut in the message, but not within a character. */
static void a_long_name_is_cut_between_characters(void **state)
{
    (void)state;
    for (int ascii = 0; ascii < 4; ascii++) {
        char query[256] = "";
        for (int i = 0; i < ascii; i++) {
            query[i] = 'x';
        }
        for (int i = 0; i < 30; i++) {
            memcpy(query + ascii + 4 * i, "\xf0\x9f\x98\x80", 5);
        }
        expect_refused(query, "is not known");
    }
}

static void too_little_memory_is_told(void **state)
{
    (void)state;
    struct arena none;
    arena_init(&none, 0);
    assert_int_equal(api_question_read(STR("userId=a"), &none, &fixture.question, &fixture.err),
                     STATUS_NO_MEMORY);
    arena_deinit(&none);
}

static enum status read_stats(const char *query)
{
    fixture.err = (struct error){0};
    return api_stats_question_read(str_from(query), &fixture.arena, &fixture.stats, &fixture.err);
}

static void expect_stats_refused(const char *query, const char *word)
{
    if (read_stats(query) != STATUS_INVALID || strstr(fixture.err.message, word) == NULL) {
        fail_msg("%s: \"%s\" does not name %s", query, fixture.err.message, word);
    }
}

static void counts_have_the_same_filter(void **state)
{
    (void)state;
    const struct count_activities_question *count = &fixture.stats.count;
    assert_int_equal(read_stats("by=hour"), STATUS_OK);
    assert_int_equal(count->grouping.kind, GROUP_BY_HOUR);
    assert_int_equal(count->limit, COUNT_LIMIT_DEFAULT);
    assert_int_equal(count->filter.user_ids.count, 0);
    assert_int_equal(count->filter.to_ms, TIMESTAMP_MS_MAX + 1);
    assert_int_equal(read_stats("limit=10000&userId=a&userId=b&action=x&from=1970-01-01T00:00:01Z&"
                                "to=1970-01-01T00:00:02Z&by=us%65r"),
                     STATUS_OK);
    assert_int_equal(count->grouping.kind, GROUP_BY_USER);
    assert_int_equal(count->limit, 10000);
    assert_int_equal(count->filter.user_ids.count, 2);
    assert_true(str_equal(count->filter.user_ids.items[1], STR("b")));
    assert_true(str_equal(count->filter.actions.items[0], STR("x")));
    assert_int_equal(count->filter.from_ms, 1000);
    assert_int_equal(count->filter.to_ms, 2000);
}

static void counts_go_by_time_and_metadata(void **state)
{
    (void)state;
    const struct count_grouping *grouping = &fixture.stats.count.grouping;
    assert_int_equal(read_stats("interval=15m&by=time"), STATUS_OK);
    assert_int_equal(grouping->kind, GROUP_BY_TIME);
    assert_int_equal(grouping->interval_ms, 900000);
    assert_int_equal(read_stats("by=metadata.a%5C.b.c&userId=u"), STATUS_OK);
    assert_int_equal(grouping->kind, GROUP_BY_METADATA);
    assert_int_equal(grouping->path.member_count, 2);
    assert_int_equal(grouping->interval_ms, 0);
    expect_stats_refused("by=time", "by=time needs an interval");
    expect_stats_refused("by=hour&interval=15m", "interval is for by=time only");
    expect_stats_refused("by=time&interval=15", "interval must be");
    expect_stats_refused("by=time&interval=1m&interval=1m", "interval may appear once");
    expect_stats_refused("by=metadata.$where&userId=u", "looks like an operator");
    expect_stats_refused("by=metadata.a", "needs userId, action, from or to");
    expect_stats_refused("by=metadata&userId=u", "by must be action");
}

static void counts_refuse_what_they_do_not_know(void **state)
{
    (void)state;
    static const char *const without[] = {"", "&", "userId=a", "by=", "by", "by=Hour", "by=week"};
    for (size_t i = 0; i < ARRAY_LENGTH(without); i++) {
        expect_stats_refused(without[i], "by must be action, user, minute, hour, day, time");
    }
    assert_int_equal(
        api_stats_question_read((struct str){0}, &fixture.arena, &fixture.stats, &fixture.err),
        STATUS_INVALID);
    expect_stats_refused("by=day&by=day", "by may appear once only");
    expect_stats_refused("by=day&limit=10001", "limit must be a number from 1 to 10000");
    expect_stats_refused("by=day&limit=0", "limit");
    expect_stats_refused("by=day&page=1", "page is not known; there are userId, action, from, to, "
                                          "metadata.<path>, not.<field>, by, interval, limit, "
                                          "after");
    expect_stats_refused("by=day&cursor=x", "cursor");
    expect_stats_refused("by=day&order=asc", "order");
    expect_stats_refused("by=day&from=now", "from");
    expect_stats_refused("by=day&userId=", "must not be empty");
    expect_refused("by=day", "by is not known");
}

static void a_path_segment_keeps_its_plus(void **state)
{
    (void)state;
    struct str text;
    assert_int_equal(api_percent_decode(STR("a+b%2Fc"), false, &fixture.arena, &text), STATUS_OK);
    assert_true(str_equal(text, STR("a+b/c")));
    assert_int_equal(api_percent_decode((struct str){0}, false, &fixture.arena, &text), STATUS_OK);
    assert_int_equal(text.len, 0);
    assert_non_null(text.data);
}

struct link_case {
    const char *query; /* NULL: none */
    const char *next;
};

static void the_next_link_has_the_cursor_instead(void **state)
{
    (void)state;
    static const struct link_case cases[] = {
        {NULL, "cursor=C"},
        {"", "cursor=C"},
        {"userId=ann&limit=5", "userId=ann&limit=5&cursor=C"},
        {"page=2&userId=ann", "userId=ann&cursor=C"},
        {"cursor=old&order=asc&&", "order=asc&cursor=C"},
        {"p%61ge=2&%63ursor=old&limit=1", "limit=1&cursor=C"},
        {"pages=2", "pages=2&cursor=C"},
        {"userId=a%26b+c%3D", "userId=a%26b+c%3D&cursor=C"},
        {"userId=<\">\\^`{|}", "userId=%3C%22%3E%5C%5E%60%7B%7C%7D&cursor=C"},
        {"userId=\xc3\xa9\x7f", "userId=%C3%A9%7F&cursor=C"},
        {"metadata.a\\.b=1&page=2&action=x&metadata.c=2",
         "metadata.a%5C.b=1&action=x&metadata.c=2&cursor=C"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct buffer link;
        buffer_init(&link, 1024);
        struct str query = cases[i].query == NULL ? (struct str){0} : str_from(cases[i].query);
        api_query_with_cursor(query, STR("C"), &link);
        assert_int_equal(link.failed, STATUS_OK);
        if (!str_equal(buffer_str(&link), str_from(cases[i].next))) {
            fail_msg("%.*s instead of %s", STR_FORMAT(buffer_str(&link)), cases[i].next);
        }
        buffer_deinit(&link);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_parameter_asks_for_everything),
        TEST(reads_every_parameter),
        TEST(reads_conditions_on_metadata),
        TEST(metadata_needs_something_beside_it),
        TEST(wrong_conditions_on_metadata_are_refused),
        TEST(an_empty_cursor_is_a_cursor),
        TEST(decodes_names_and_values),
        TEST(a_repeated_value_counts_once),
        TEST(what_is_left_out_is_said_by_not),
        TEST(what_is_left_out_has_its_bounds),
        TEST(unknown_parameters_are_refused_by_name),
        TEST(values_have_their_limits),
        TEST(only_lists_may_be_repeated),
        TEST(broken_encoding_is_refused),
        TEST(a_long_name_is_cut_between_characters),
        TEST(too_little_memory_is_told),
        TEST(counts_have_the_same_filter),
        TEST(counts_go_by_time_and_metadata),
        TEST(counts_refuse_what_they_do_not_know),
        TEST(a_path_segment_keeps_its_plus),
        TEST(the_next_link_has_the_cursor_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
