/* Guards the sort of keys against qsort, on keys and texts that have much or little in common. */
#include "base/random.h"
#include "infrastructure/activity_store_local/keyed_sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ENTRIES_MAX = 5000, TEXT_MAX = 40 };

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *left = a;
    const struct keyed *right = b;
    if (left->key != right->key) {
        return left->key < right->key ? -1 : 1;
    }
    return (left->value > right->value) - (left->value < right->value);
}

static void keys_are_sorted_as_qsort_does(void **state)
{
    (void)state;
    static struct keyed entries[ENTRIES_MAX];
    static struct keyed expected[ENTRIES_MAX];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 7);
    for (int turn = 0; turn < 400; turn++) {
        size_t count = (size_t)random_below(&random, turn % 20 == 0 ? ENTRIES_MAX : 200);
        uint64_t mask = turn % 10 == 1 ? 0 : UINT64_MAX;
        for (int i = turn % 10; i > 6; i--) {
            mask &= random_u64(&random);
        }
        memset(expected, 0, sizeof expected);
        for (size_t i = 0; i < count; i++) {
            expected[i].key = random_u64(&random) & mask;
            expected[i].value = (uint32_t)random_below(&random, UINT32_MAX);
        }
        memcpy(entries, expected, sizeof entries);
        keyed_sort(entries, count);
        qsort(expected, count, sizeof *expected, compare_keyed);
        assert_memory_equal(entries, expected, sizeof entries);
    }
}

/* Unlike each other by their last eight bytes, some of which may be zeros that others lack. */
static struct str make_text(const struct random *random, char space[TEXT_MAX], size_t kinds)
{
    size_t len = (size_t)random_below(random, TEXT_MAX + 1);
    for (size_t i = 0; i < len; i++) {
        space[i] = "\0ab\xff"[random_below(random, kinds)];
    }
    return (struct str){space, len};
}

static int compare_texts(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Leaves out what is there more than once. */
static size_t make_texts(const struct random *random, struct str *texts,
                         char spaces[ENTRIES_MAX][TEXT_MAX])
{
    size_t wanted = (size_t)random_below(random, random_below(random, 10) == 0 ? ENTRIES_MAX : 100);
    size_t kinds = 1 + (size_t)random_below(random, 4);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        texts[i] = make_text(random, spaces[i], kinds);
    }
    qsort(texts, wanted, sizeof *texts, compare_texts);
    for (size_t i = 0; i < wanted; i++) {
        if (count == 0 || !str_equal(texts[i], texts[count - 1])) {
            texts[count++] = texts[i];
        }
    }
    return count;
}

static void texts_are_sorted_as_qsort_does(void **state)
{
    (void)state;
    static char spaces[ENTRIES_MAX][TEXT_MAX];
    static struct str texts[ENTRIES_MAX];
    static struct keyed entries[ENTRIES_MAX];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 8);
    for (int turn = 0; turn < 500; turn++) {
        size_t count = make_texts(&random, texts, spaces);
        for (size_t i = 0; i < count; i++) {
            size_t other = (size_t)random_below(&random, i + 1);
            entries[i] = entries[other];
            entries[other].value = (uint32_t)i;
        }
        keyed_sort_by_text(entries, count, texts);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(entries[i].value, i);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sorted_as_qsort_does),
        cmocka_unit_test(texts_are_sorted_as_qsort_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
