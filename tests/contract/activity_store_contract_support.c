#include "activity_store_contract_support.h"

#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ARENA_BYTES = 64 * 1024 * 1024 };

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->maker = *state;
    fixture->store = fixture->maker->make();
    fixture->log_id = uuid_make_random(&random_system);
    arena_init(&fixture->arena, ARENA_BYTES);
    position_set_init(&fixture->next);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    activity_store_free(fixture->store);
    arena_deinit(&fixture->arena);
    position_set_deinit(&fixture->next);
    free(fixture);
    return 0;
}

struct activity activity_of(const char *user_id, int64_t timestamp_ms, const char *id)
{
    return (struct activity){
        .id = str_from(id),
        .user_id = str_from(user_id),
        .action = STR("click"),
        .metadata = STR("{}"),
        .timestamp_ms = timestamp_ms,
        .received_at_ms = timestamp_ms + 1000,
    };
}

struct activity activity_at(int64_t timestamp_ms, const char *id)
{
    return activity_of("ann", timestamp_ms, id);
}

void put_at(struct fixture *fixture, int64_t offset, const struct activity *activities,
            size_t count)
{
    assert_true(count <= ROWS_IN_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        fixture->rows[i] = (struct logged_activity){
            .activity = activities[i],
            .position = {.partition = 0, .offset = offset + (int64_t)i},
        };
    }
    struct position end = {.partition = 0, .offset = offset + (int64_t)count};
    assert_int_equal(position_set_raise(&fixture->next, end), STATUS_OK);
    struct position item = end;
    struct position_set next = {.items = &item, .count = 1, .capacity = 1};
    struct activity_batch batch = {
        .log_id = fixture->log_id,
        .rows = fixture->rows,
        .count = count,
        .next = &next,
    };
    struct error err;
    enum status status = activity_store_put_batch(fixture->store, &batch, fixture->verdicts, &err);
    if (status != STATUS_OK) {
        fail_msg("put_batch: %s: %s", status_name(status), err.message);
    }
    if (fixture->offset < end.offset) {
        fixture->offset = end.offset;
    }
}

void put(struct fixture *fixture, const struct activity *activities, size_t count)
{
    put_at(fixture, fixture->offset, activities, count);
}

enum verdict put_one(struct fixture *fixture, struct activity activity)
{
    put(fixture, &activity, 1);
    return fixture->verdicts[0];
}

uint64_t count_all(struct fixture *fixture)
{
    struct activity_filter filter = activity_filter_all();
    uint64_t count = UINT64_MAX;
    assert_int_equal(activity_store_count(fixture->store, &filter, 0, &count, NULL), STATUS_OK);
    return count;
}

uint64_t count_user(struct fixture *fixture, const char *user_id)
{
    struct str user = str_from(user_id);
    struct activity_filter filter = activity_filter_all();
    filter.user_ids.items = &user;
    filter.user_ids.count = 1;
    uint64_t count = UINT64_MAX;
    assert_int_equal(activity_store_count(fixture->store, &filter, 0, &count, NULL), STATUS_OK);
    return count;
}

bool has(struct fixture *fixture, const char *id)
{
    struct activity found;
    enum status status =
        activity_store_get(fixture->store, str_from(id), &fixture->arena, &found, NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

struct activity_page_request request_all(void)
{
    return (struct activity_page_request){
        .filter = activity_filter_all(),
        .order = ORDER_NEWEST_FIRST,
        .limit = 1000,
        .bytes_max = SIZE_MAX,
    };
}

struct activity_page find_page(struct fixture *fixture, const struct activity_page_request *request)
{
    struct activity_page page;
    struct error err = {.message = ""};
    enum status status = activity_store_find(fixture->store, request, &fixture->arena, &page, &err);
    if (status != STATUS_OK) {
        fail_msg("find: %s: %s", status_name(status), err.message);
    }
    return page;
}

void assert_page_at(struct fixture *fixture, const struct activity_page_request *request,
                    const char *ids, int line)
{
    struct activity_page page = find_page(fixture, request);
    struct buffer found;
    buffer_init(&found, 1024 * 1024);
    for (size_t i = 0; i < page.count; i++) {
        buffer_append_str(&found, i == 0 ? STR("") : STR(" "));
        buffer_append_str(&found, page.rows[i].id);
    }
    if (!str_equal(buffer_str(&found), str_from(ids))) {
        fail_msg("line %d: expected \"%s\", found \"%.*s\"", line, ids,
                 STR_FORMAT(buffer_str(&found)));
    }
    buffer_deinit(&found);
}

static void assert_same_text(struct str a, struct str b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.data, b.data, a.len);
    }
}

void assert_same_activity(const struct activity *a, const struct activity *b)
{
    assert_same_text(a->id, b->id);
    assert_same_text(a->user_id, b->user_id);
    assert_same_text(a->action, b->action);
    assert_same_text(a->metadata, b->metadata);
    assert_int_equal(a->timestamp_ms, b->timestamp_ms);
    assert_int_equal(a->received_at_ms, b->received_at_ms);
}
