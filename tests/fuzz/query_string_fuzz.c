/*
 * A query string: read or refused in words, and the query of the next link asks the same question;
 * the same for counts.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/api/api_query_string.h"

#include <stdlib.h>

enum { LINK_BYTES_MAX = 1 << 20 };

static bool fits_a_link(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] == '>' || text.data[i] == '"') {
            return false;
        }
    }
    return true;
}

static void expect_same_question(struct str query, const struct api_question *question,
                                 struct arena *arena)
{
    static struct api_question next;
    struct error err;
    struct buffer link;
    buffer_init(&link, LINK_BYTES_MAX);
    api_query_with_cursor(query, STR("C"), &link);
    ASSERT(link.failed == STATUS_OK && fits_a_link(buffer_str(&link)));
    enum status status = api_question_read(buffer_str(&link), arena, &next, &err);
    ASSERT(status == STATUS_OK);
    ASSERT(str_equal(next.find.cursor, STR("C")) && next.find.page == 0);
    ASSERT(next.find.limit == question->find.limit && next.find.order == question->find.order);
    ASSERT(activity_filter_hash(&next.find.filter) == activity_filter_hash(&question->find.filter));
    buffer_deinit(&link);
}

static void read_stats(struct str query)
{
    static struct api_stats_question question;
    struct arena arena;
    struct error err = {0};
    arena_init(&arena, 16 << 20);
    enum status status = api_stats_question_read(query, &arena, &question, &err);
    if (status == STATUS_OK) {
        ASSERT(count_grouping_check(&question.count.grouping, NULL) == STATUS_OK);
        ASSERT(question.count.limit >= 1 && question.count.limit <= COUNT_LIMIT_MAX);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct api_question question;
    struct arena arena;
    struct error err = {0};
    char *text = fuzz_copy(data, size, 0);
    struct str query = {text, size};
    arena_init(&arena, 16 << 20);
    enum status status = api_question_read(query, &arena, &question, &err);
    if (status == STATUS_OK) {
        ASSERT(question.find.limit >= 1 && question.find.limit <= FIND_LIMIT_MAX);
        expect_same_question(query, &question, &arena);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
    arena_deinit(&arena);
    read_stats(query);
    free(text);
    return 0;
}
