/* What the list says of one user's entries: which they are, and that they can be forgotten. */
#include "application/refusal_subject.h"
#include "refusal_list_contract_support.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { USERS = 7, THOUSANDS = 3000 };

static struct refusal_entry found[NUMBERS_MAX];

/* How the entry with this number names its user. */
enum naming { BY_KEY, BY_TEXT, BY_ESCAPED_TEXT, BY_CUT_TEXT, BY_NUMBER, NAMINGS };

/* "user-<number % USERS>", as text, key or both; other users stand where nobody should look.
 * `raw_bytes` says nothing here. */
static struct refusal users_refusal(struct arena *arena, unsigned number, size_t raw_bytes)
{
    (void)raw_bytes;
    static const char *const texts[NAMINGS] = {
        [BY_KEY] = "{\"n\":%u,\"user\":\"user-%u\",\"metadata\":{\"userId\":\"user-1\"}}",
        [BY_TEXT] = "{ \"n\" : %u, \"userId\" : \"user-%u\", \"action\":null}",
        [BY_ESCAPED_TEXT] = "{\"n\":%u,\"userId\":\"\\u0075ser-%u\"}",
        [BY_CUT_TEXT] = "{\"n\":%u,\"userId\":\"user-%u\",\"metadata\":{\"text\":\"and so on",
        [BY_NUMBER] = "{\"n\":%u,\"userId\":10%u}",
    };
    enum naming naming = (enum naming)(number / USERS % NAMINGS);
    char text[128];
    char key[32];
    snprintf(text, sizeof text, texts[naming], number, number % USERS);
    snprintf(key, sizeof key, "user-%u", naming == BY_KEY ? number % USERS : (number + 1) % USERS);
    return (struct refusal){
        .position = {(int32_t)(number % PARTITIONS), number},
        .key = arena_copy_str(arena, str_from(key)),
        .raw = arena_copy_str(arena, str_from(text)),
        .reason = STR("no activity"),
    };
}

static bool is_of(unsigned number, unsigned user, bool as_number)
{
    bool named_by_number = number / USERS % NAMINGS == BY_NUMBER;
    return number % USERS == user && named_by_number == as_number;
}

static void add_users(struct fixture *fixture, unsigned first, unsigned count)
{
    add_refusals(fixture, users_refusal, first, count, 0);
}

static struct str name_of(struct fixture *fixture, unsigned user, bool as_number)
{
    char name[32];
    snprintf(name, sizeof name, "%s%u", as_number ? "10" : "user-", user);
    return arena_copy_str(&fixture->arena, str_from(name));
}

static void expect_users(struct fixture *fixture, unsigned count, unsigned user, bool as_number)
{
    static const size_t limits[] = {1, 3, 1000};
    size_t expected = 0;
    for (unsigned i = 0; i < count; i++) {
        expected += is_of(i, user, as_number);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        struct str name = name_of(fixture, user, as_number);
        assert_int_equal(find_all_of(fixture, name, limits[i], found), expected);
        for (size_t k = 0; k < expected; k++) {
            assert_true(is_of((unsigned)found[k].refusal.position.offset, user, as_number));
        }
    }
}

void finds_the_entries_of_one_user(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    for (unsigned i = 0; i < 200; i += 20) {
        add_users(&fixture, i, 20);
        fixture_pass(&fixture, 1);
    }
    for (int opened = 0; opened < 2; opened++) {
        for (unsigned user = 0; user < USERS; user++) {
            expect_users(&fixture, 200, user, false);
            expect_users(&fixture, 200, user, true);
        }
        assert_int_equal(find_all_of(&fixture, STR("nobody"), 10, found), 0);
        assert_int_equal(find_all_of(&fixture, STR("user"), 10, found), 0);
        fixture_reopen(&fixture);
    }
    fixture_finish(&fixture);
}

static uint64_t forget(struct fixture *fixture, struct str user_id)
{
    struct error err = {0};
    uint64_t forgotten = UINT64_MAX;
    enum status status = refusal_list_forget(fixture->list, user_id, &forgotten, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    return forgotten;
}

/* At once, also after opening again; nobody else's, and a second time there is nothing. */
void forgets_the_entries_of_one_user(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_users(&fixture, 0, 350);
    struct str name = name_of(&fixture, 3, false);
    size_t expected = find_all_of(&fixture, name, 1000, found);
    assert_true(expected > 0);
    struct str id = arena_copy_str(&fixture.arena, found[0].id);
    assert_int_equal(forget(&fixture, name), expected);
    for (int opened = 0; opened < 2; opened++) {
        struct refusal_entry entry;
        assert_int_equal(find_all_of(&fixture, name, 10, found), 0);
        assert_int_equal(refusal_list_get(fixture.list, id, &fixture.arena, &entry, NULL),
                         STATUS_NOT_FOUND);
        assert_int_equal(look(&fixture).listed, 350 - expected);
        assert_int_equal(look(&fixture).dropped, 0);
        assert_int_equal(find_all(&fixture, 100, found), 350 - expected);
        for (size_t i = 0; i < 350 - expected; i++) {
            assert_false(is_of((unsigned)found[i].refusal.position.offset, 3, false));
        }
        fixture_reopen(&fixture);
    }
    assert_int_equal(forget(&fixture, name), 0);
    assert_int_equal(forget(&fixture, STR("nobody")), 0);
    fixture_finish(&fixture);
}

static struct refusal one_of_many(struct arena *arena, unsigned number, size_t raw_bytes)
{
    struct refusal refusal = users_refusal(arena, 2, raw_bytes);
    refusal.position.offset = 10000 + number;
    return refusal;
}

/* More of one user than goes at once, in whatever steps an adapter takes. */
void forgets_thousands_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_users(&fixture, 0, 10);
    add_refusals(&fixture, one_of_many, 0, THOUSANDS, 0);
    assert_int_equal(forget(&fixture, STR("user-2")), THOUSANDS + 2);
    assert_int_equal(find_all(&fixture, 1000, found), 8);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 1000, found), 8);
    fixture_finish(&fixture);
}

void what_was_forgotten_may_come_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    struct str name = name_of(&fixture, 1, false);
    for (int turn = 0; turn < 3; turn++) {
        add_users(&fixture, 0, 14);
        assert_int_equal(find_all_of(&fixture, name, 10, found), 2);
        assert_int_equal(forget(&fixture, name), 2);
        fixture_reopen(&fixture);
        assert_int_equal(find_all_of(&fixture, name, 10, found), 0);
    }
    fixture_finish(&fixture);
}

/* Two users whom a list that keeps signatures of names (refusal_subject.h) cannot tell apart by
 * these: neither has the other's entries shown or taken. */
void tells_users_apart_whom_signatures_do_not(void **state)
{
    (void)state;
    const struct refusal refusals[] = {
        {.position = {0, 1}, .raw = STR("{\"userId\":\"twin-1241\"}"), .reason = STR("no")},
        {.position = {0, 2}, .raw = STR("{\"userId\":\"twin-3072\"}"), .reason = STR("no")}};
    struct fixture fixture;
    assert_true(refusal_signature(&refusals[0]) == refusal_signature(&refusals[1]));
    fixture_start_roomy(&fixture);
    assert_int_equal(refusal_list_add(fixture.list, fixture.log_id, refusals, 2, NULL), STATUS_OK);
    assert_int_equal(find_all_of(&fixture, STR("twin-1241"), 10, found), 1);
    assert_int_equal(found[0].refusal.position.offset, 1);
    assert_int_equal(forget(&fixture, STR("twin-1241")), 1);
    assert_int_equal(forget(&fixture, STR("twin-1241")), 0);
    assert_int_equal(find_all_of(&fixture, STR("twin-3072"), 10, found), 1);
    assert_int_equal(found[0].refusal.position.offset, 2);
    fixture_finish(&fixture);
}

struct forgetter {
    struct fixture *fixture;
    atomic_bool stop;
    atomic_bool failed;
    uint64_t forgotten;
};

static void *forget_on(void *context)
{
    struct forgetter *forgetter = context;
    while (!atomic_load(&forgetter->stop)) {
        uint64_t forgotten = 0;
        enum status status =
            refusal_list_forget(forgetter->fixture->list, STR("user-5"), &forgotten, NULL);
        forgetter->forgotten += forgotten;
        if (status != STATUS_OK) {
            atomic_store(&forgetter->failed, true);
        }
    }
    return NULL;
}

void forgets_while_others_come(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t thread;
    fixture_start_roomy(&fixture);
    struct forgetter forgetter = {.fixture = &fixture};
    assert_int_equal(pthread_create(&thread, NULL, forget_on, &forgetter), 0);
    for (unsigned i = 0; i < 700; i += 7) {
        add_users(&fixture, i, 7);
    }
    atomic_store(&forgetter.stop, true);
    pthread_join(thread, NULL);
    assert_false(atomic_load(&forgetter.failed));
    uint64_t last = forget(&fixture, STR("user-5"));
    assert_int_equal(forgetter.forgotten + last, 80); /* a fifth of 100 is named by a number */
    assert_int_equal(find_all(&fixture, 100, found), 620);
    fixture_finish(&fixture);
}
