/*
 * Guards the ring: each key is found by itself and by nothing like it, and what is loaded again
 * counts from then on, also while others read.
 */
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/disk/small_file.h"
#include "infrastructure/key_file/key_file.h"
#include "infrastructure/key_file/key_ring_file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { READERS = 2 };

static const char *const path = lone_file_path;

static void create(const char *name, char out_key[KEY_TEXT_BYTES + 1])
{
    struct str user = STR("u");
    struct access_grant grant = {
        .name = str_from(name), .scopes = ACCESS_READ, .users = &user, .user_count = 1};
    assert_int_equal(key_file_create(path, &grant, out_key, NULL), STATUS_OK);
}

static struct key_ring *open_ring(void)
{
    struct key_ring *ring = NULL;
    struct error err = {0};
    if (key_ring_file_new(path, READERS, &ring, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return ring;
}

static enum status ask(struct key_ring *ring, struct str key)
{
    struct arena arena;
    struct access_grant grant;
    arena_init(&arena, 1 << 16);
    enum status status = key_ring_find(ring, 0, key, &arena, &grant);
    if (status == STATUS_OK) {
        assert_true(grant.scopes == ACCESS_READ && grant.user_count == 1);
        assert_true(access_grant_covers_user(&grant, STR("u")));
    }
    arena_deinit(&arena);
    return status;
}

static void a_key_is_found_and_nothing_like_it(void **state)
{
    (void)state;
    char key[KEY_TEXT_BYTES + 1];
    char other[KEY_TEXT_BYTES + 1];
    create("a", key);
    create("b", other);
    CLEANUP(key_ring_file_free) struct key_ring *ring = open_ring();
    assert_int_equal(key_ring_file_count(ring), 2);
    assert_int_equal(ask(ring, str_from(key)), STATUS_OK);
    assert_int_equal(ask(ring, str_from(other)), STATUS_OK);
    for (size_t len = 0; len < KEY_TEXT_BYTES; len++) {
        assert_int_equal(ask(ring, (struct str){key, len}), STATUS_NOT_FOUND);
    }
    for (size_t i = 0; i < KEY_TEXT_BYTES; i++) {
        char kept = key[i];
        key[i] = kept == 'x' ? 'y' : 'x';
        assert_int_equal(ask(ring, str_from(key)), STATUS_NOT_FOUND);
        key[i] = kept;
    }
    memcpy(key + KEY_TEXT_BYTES - 32, other + KEY_TEXT_BYTES - 32, 32);
    assert_int_equal(ask(ring, str_from(key)), STATUS_NOT_FOUND);
    char long_one[2000];
    memset(long_one, 'a', sizeof long_one);
    assert_int_equal(ask(ring, (struct str){long_one, sizeof long_one}), STATUS_NOT_FOUND);
}

static void what_is_loaded_again_counts(void **state)
{
    (void)state;
    char first[KEY_TEXT_BYTES + 1];
    char second[KEY_TEXT_BYTES + 1];
    struct error err;
    create("a", first);
    CLEANUP(key_ring_file_free) struct key_ring *ring = open_ring();
    create("b", second);
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_OK);
    assert_int_equal(ask(ring, str_from(first)), STATUS_OK);
    assert_int_equal(ask(ring, str_from(second)), STATUS_NOT_FOUND);
    assert_int_equal(key_ring_file_reload(ring, &err), STATUS_OK);
    assert_int_equal(ask(ring, str_from(first)), STATUS_NOT_FOUND);
    assert_int_equal(ask(ring, str_from(second)), STATUS_OK);
    assert_int_equal(small_file_replace(path, STR("broken"), &err), STATUS_OK);
    assert_int_equal(key_ring_file_reload(ring, &err), STATUS_INVALID);
    assert_int_equal(ask(ring, str_from(second)), STATUS_OK);
    unlink(path);
    assert_int_equal(key_ring_file_reload(ring, &err), STATUS_NOT_FOUND);
    assert_int_equal(ask(ring, str_from(second)), STATUS_OK);
    assert_int_equal(key_ring_file_count(ring), 1);
}

static void a_ring_without_keys_knows_nobody(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(small_file_replace(path, STR("# none\n"), &err), STATUS_OK);
    CLEANUP(key_ring_file_free) struct key_ring *ring = open_ring();
    assert_int_equal(ask(ring, STR("")), STATUS_NOT_FOUND);
    assert_int_equal(ask(ring, STR("ut_0000000000000000_00000000000000000000000000000000")),
                     STATUS_NOT_FOUND);
}

struct reading {
    struct key_ring *ring;
    struct str key;
    atomic_bool ends;
    unsigned wrong;
    _Atomic unsigned long asked;
};

static void *run_reader(void *context)
{
    struct reading *reading = context;
    while (!atomic_load(&reading->ends)) {
        struct arena arena;
        struct access_grant grant;
        arena_init(&arena, 1 << 16);
        reading->wrong +=
            key_ring_find(reading->ring, 1, reading->key, &arena, &grant) != STATUS_OK ||
            !access_grant_covers_user(&grant, STR("u"));
        reading->asked++;
        arena_deinit(&arena);
    }
    return NULL;
}

static void readers_are_not_disturbed(void **state)
{
    (void)state;
    char key[KEY_TEXT_BYTES + 1];
    pthread_t thread;
    create("a", key);
    CLEANUP(key_ring_file_free) struct key_ring *ring = open_ring();
    struct reading reading = {.ring = ring, .key = str_from(key)};
    assert_int_equal(pthread_create(&thread, NULL, run_reader, &reading), 0);
    while (atomic_load(&reading.asked) == 0) {
    }
    for (int i = 0; i < 200; i++) {
        assert_int_equal(key_ring_file_reload(ring, NULL), STATUS_OK);
        assert_int_equal(ask(ring, str_from(key)), STATUS_OK);
    }
    atomic_store(&reading.ends, true);
    pthread_join(thread, NULL);
    assert_int_equal(reading.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_found_and_nothing_like_it, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(what_is_loaded_again_counts, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_ring_without_keys_knows_nobody, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(readers_are_not_disturbed, lone_file_make,
                                        lone_file_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
