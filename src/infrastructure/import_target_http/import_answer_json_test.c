/* Guards the reading of a server's answers: each rejected item is told with its index and reason,
 * and an answer that does not fit what was sent is never taken for an acceptance. */
#include "infrastructure/import_target_http/import_answer_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct told {
    size_t count;
    size_t index;
    char problem[512];
    bool no_memory;
};

static bool visit(void *context, size_t index, struct str problem)
{
    struct told *told = context;
    told->count++;
    told->index = index;
    assert_true(problem.len < sizeof told->problem);
    memcpy(told->problem, problem.data, problem.len);
    told->problem[problem.len] = '\0';
    return !told->no_memory;
}

static enum status read_answer(const char *body, size_t count, struct told *out_told)
{
    const struct import_answer_visitor visitor = {visit, out_told};
    struct error err;
    *out_told = (struct told){.no_memory = out_told->no_memory};
    return import_answer_read(str_from(body), count, &visitor, &err);
}

static void rejected_items_are_told(void **state)
{
    (void)state;
    struct told told = {0};
    assert_int_equal(read_answer("{\"status\":\"success\",\"results\":[{\"index\":0,\"id\":\"a\"},"
                                 "{\"index\":1,\"error\":{\"type\":\"t\",\"detail\":\"no\","
                                 "\"errors\":[{\"pointer\":\"/id\",\"detail\":\"x\"}]}}]}",
                                 2, &told),
                     STATUS_OK);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.index, 1);
    assert_string_equal(told.problem,
                        "{\"detail\":\"no\",\"errors\":[{\"pointer\":\"/id\",\"detail\":\"x\"}]}");
    assert_int_equal(read_answer("{\"results\":[{\"id\":\"a\"}]}", 1, &told), STATUS_OK);
    assert_int_equal(told.count, 0);
}

static void what_does_not_fit_is_no_acceptance(void **state)
{
    (void)state;
    struct told told = {0};
    assert_int_equal(read_answer("{\"results\":[{\"id\":\"a\"}]}", 2, &told), STATUS_INVALID);
    assert_int_equal(read_answer("{\"results\":[{}]}", 1, &told), STATUS_INVALID);
    assert_int_equal(read_answer("{\"results\":[1]}", 1, &told), STATUS_INVALID);
    assert_int_equal(read_answer("<html>", 1, &told), STATUS_INVALID);
    assert_int_equal(read_answer("", 1, &told), STATUS_INVALID);
    assert_int_equal(read_answer("{\"status\":\"success\"}", 1, &told), STATUS_NOT_FOUND);
    assert_int_equal(read_answer("[]", 1, &told), STATUS_NOT_FOUND);
    told.no_memory = true;
    assert_int_equal(read_answer("{\"results\":[{\"error\":{}}]}", 1, &told), STATUS_NO_MEMORY);
}

static void a_whole_problem_is_that_of_its_item(void **state)
{
    (void)state;
    struct told told = {0};
    const struct import_answer_visitor visitor = {visit, &told};
    struct str body = STR("{\"title\":\"t\",\"detail\":\"too large\"}");
    assert_int_equal(import_answer_refuse_whole(body, &visitor, NULL), STATUS_OK);
    assert_string_equal(told.problem, "{\"detail\":\"too large\"}");
    assert_int_equal(import_answer_refuse_whole(STR("<html>"), &visitor, NULL), STATUS_OK);
    assert_string_equal(told.problem, "{}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejected_items_are_told),
        cmocka_unit_test(what_does_not_fit_is_no_acceptance),
        cmocka_unit_test(a_whole_problem_is_that_of_its_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
