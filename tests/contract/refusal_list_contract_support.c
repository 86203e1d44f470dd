#include "refusal_list_contract_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ARENA_BYTES_MAX = 256 << 20, SMALL_TEXT_BYTES = 64 };

#define START_NS UINT64_C(1768435085442000000)

static uint64_t fixture_now(void *context)
{
    return *(uint64_t *)context;
}

static const struct refusal_list_maker *current_maker;

void fixture_set_maker(const struct refusal_list_maker *maker)
{
    current_maker = maker;
}

void fixture_start(struct fixture *fixture, uint64_t bytes_max)
{
    *fixture =
        (struct fixture){.maker = current_maker, .now_ns = START_NS, .log_id = {{0x5a, 1, 2, 3}}};
    fixture->clock = (struct clock){fixture_now, fixture_now, &fixture->now_ns};
    arena_init(&fixture->arena, ARENA_BYTES_MAX);
    fixture->list = current_maker->make(bytes_max, &fixture->clock);
}

void fixture_start_roomy(struct fixture *fixture)
{
    fixture_start(fixture, ROOMY_BYTES);
}

void fixture_reopen(struct fixture *fixture)
{
    if (fixture->maker->reopen != NULL) {
        fixture->list = fixture->maker->reopen(fixture->list);
    }
}

void fixture_finish(struct fixture *fixture)
{
    fixture->maker->unmake(fixture->list);
    arena_deinit(&fixture->arena);
}

void fixture_pass(struct fixture *fixture, unsigned ms)
{
    fixture->now_ns += (uint64_t)ms * NANOSECONDS_PER_MILLISECOND;
}

static struct str write_text(struct arena *arena, const char *format, unsigned number)
{
    char text[SMALL_TEXT_BYTES];
    snprintf(text, sizeof text, format, number);
    return arena_copy_str(arena, str_from(text));
}

/* Bytes of all kinds behind a text that names the number. */
static struct str write_raw(struct arena *arena, unsigned number, size_t raw_bytes)
{
    char name[SMALL_TEXT_BYTES];
    size_t name_len = (size_t)snprintf(name, sizeof name, "{\"n\":%u", number);
    size_t len = raw_bytes < name_len ? name_len : raw_bytes;
    char *raw = arena_allocate(arena, len);
    assert_non_null(raw);
    memcpy(raw, name, name_len);
    for (size_t i = name_len; i < len; i++) {
        raw[i] = (char)(unsigned char)(number * 31 + i * 7);
    }
    return (struct str){raw, len};
}

struct refusal numbered_refusal(struct arena *arena, unsigned number, size_t raw_bytes)
{
    return (struct refusal){
        .position = {(int32_t)(number % PARTITIONS), number},
        .key = number % 4 == 3 ? (struct str){0} : write_text(arena, "user-%u", number),
        .raw = write_raw(arena, number, raw_bytes),
        .reason = write_text(arena, "n\xc3\xbamero %u is no activity", number),
        .logged_at_ms = number % 5 == 4 ? 0 : 1700000000000 + number,
    };
}

static void assert_same_text(struct str a, struct str b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.data, b.data, a.len);
    }
}

static void assert_same_refusal(const struct refusal *a, const struct refusal *b)
{
    assert_int_equal(a->position.partition, b->position.partition);
    assert_int_equal(a->position.offset, b->position.offset);
    assert_int_equal(a->key.data == NULL, b->key.data == NULL);
    assert_same_text(a->key, b->key);
    assert_same_text(a->raw, b->raw);
    assert_same_text(a->reason, b->reason);
    assert_int_equal(a->logged_at_ms, b->logged_at_ms);
}

void assert_same_entry(const struct refusal_entry *a, const struct refusal_entry *b)
{
    assert_same_text(a->id, b->id);
    assert_true(uuid_equal(a->log_id, b->log_id));
    assert_same_refusal(&a->refusal, &b->refusal);
    assert_int_equal(a->refused_at_ms, b->refused_at_ms);
}

void assert_numbered(const struct fixture *fixture, const struct refusal_entry *entry,
                     size_t raw_bytes)
{
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    struct refusal expected =
        numbered_refusal(&arena, (unsigned)entry->refusal.position.offset, raw_bytes);
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(fixture->log_id, expected.position, id);
    assert_same_text(entry->id, str_from(id));
    assert_true(uuid_equal(entry->log_id, fixture->log_id));
    assert_same_refusal(&entry->refusal, &expected);
    arena_deinit(&arena);
}

void add_refusals(struct fixture *fixture, make_refusal *make, unsigned first, unsigned count,
                  size_t raw_bytes)
{
    static struct refusal refusals[NUMBERS_MAX];
    struct arena arena; /* what is borrowed is gone right after */
    arena_init(&arena, ARENA_BYTES_MAX);
    assert_true(count <= NUMBERS_MAX);
    for (unsigned i = 0; i < count; i++) {
        refusals[i] = make(&arena, first + i, raw_bytes);
    }
    struct error err = {0};
    enum status status = refusal_list_add(fixture->list, fixture->log_id, refusals, count, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    arena_deinit(&arena);
}

void add_numbers(struct fixture *fixture, unsigned first, unsigned count, size_t raw_bytes)
{
    add_refusals(fixture, numbered_refusal, first, count, raw_bytes);
}

struct refusal_page_request request_all(void)
{
    return (struct refusal_page_request){.limit = NUMBERS_MAX, .bytes_max = ARENA_BYTES_MAX};
}

struct refusal_page find_page(struct fixture *fixture, const struct refusal_page_request *request)
{
    struct refusal_page page;
    struct error err = {0};
    enum status status = refusal_list_find(fixture->list, request, &fixture->arena, &page, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    return page;
}

static bool comes_behind(const struct refusal_entry *entry, const struct refusal_entry *before)
{
    return entry->refused_at_ms < before->refused_at_ms ||
           (entry->refused_at_ms == before->refused_at_ms &&
            str_compare(entry->id, before->id) < 0);
}

size_t find_all_of(struct fixture *fixture, struct str user_id, size_t limit,
                   struct refusal_entry out_entries[NUMBERS_MAX])
{
    struct refusal_page_request request = request_all();
    struct refusal_page page = {.more = true};
    size_t count = 0;
    request.limit = limit;
    request.user_id = user_id;
    while (page.more) {
        page = find_page(fixture, &request);
        assert_true(page.count <= limit && count + page.count <= NUMBERS_MAX);
        assert_true(page.count == limit || !page.more);
        for (size_t i = 0; i < page.count; i++) {
            out_entries[count++] = page.entries[i];
            assert_true(count < 2 || comes_behind(&page.entries[i], &out_entries[count - 2]));
        }
        request.after = count == 0 ? NULL : &out_entries[count - 1];
    }
    return count;
}

size_t find_all(struct fixture *fixture, size_t limit,
                struct refusal_entry out_entries[NUMBERS_MAX])
{
    return find_all_of(fixture, (struct str){0}, limit, out_entries);
}

struct refusal_list_state look(struct fixture *fixture)
{
    struct refusal_list_state state;
    refusal_list_describe(fixture->list, &state);
    return state;
}

struct str id_at(struct fixture *fixture, struct position position)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(fixture->log_id, position, id);
    return arena_copy_str(&fixture->arena, str_from(id));
}
