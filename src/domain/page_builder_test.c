#include "domain/page_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const struct activity row = {.id = {"id", 2}, .user_id = {"user", 4}, .action = {"a", 1}};

static bool take(struct page_builder *builder)
{
    return page_builder_take(builder, &row) == PAGE_BUILDER_TAKEN;
}

/* A page takes as many rows as were asked for, behind those that are skipped, and says whether
 * there are more. */
static void test_limit_and_skip(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    struct activity_page_request request = {.limit = 200, .skip = 2, .bytes_max = SIZE_MAX};
    struct page_builder builder;
    page_builder_init(&builder, &request, &arena);
    assert_true(page_builder_skips(&builder) && page_builder_skips(&builder));
    assert_false(page_builder_skips(&builder));
    for (int i = 0; i < 200; i++) {
        assert_true(take(&builder));
    }
    assert_false(builder.page.more);
    assert_false(take(&builder));
    assert_int_equal(builder.page.count, 200);
    assert_true(builder.page.more && !builder.page.cut_short);
    for (int i = 0; i < 200; i++) {
        assert_true(str_equal(builder.page.rows[i].id, row.id));
    }
    arena_deinit(&arena);
}

/* The first row always comes, however few bytes are allowed. */
static void test_bytes_cut_the_page_short(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    size_t each = sizeof row + 7;
    for (size_t rows = 0; rows < 4; rows++) {
        struct activity_page_request request = {.limit = 9, .bytes_max = rows * each};
        struct page_builder builder;
        page_builder_init(&builder, &request, &arena);
        while (take(&builder)) {
        }
        assert_int_equal(builder.page.count, rows == 0 ? 1 : rows);
        assert_true(builder.page.more && builder.page.cut_short);
    }
    arena_deinit(&arena);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16);
    struct activity_page_request request = {.limit = 9, .bytes_max = SIZE_MAX};
    struct page_builder builder;
    page_builder_init(&builder, &request, &arena);
    assert_int_equal(page_builder_take(&builder, &row), PAGE_BUILDER_NO_MEMORY);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_and_skip),
        cmocka_unit_test(test_bytes_cut_the_page_short),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
