/* Guards the choice of a dictionary's pieces: what repeats is in it, once, and no more than there
 * is room for. */
#include "base/random.h"
#include "infrastructure/activity_store_local/dictionary_pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { SAMPLES_BYTES = 200000, ROOM = 8192, PHRASE_BYTES = 600, PHRASES = 5 };

static void fill_with_noise(char *bytes, size_t len, uint64_t seed)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)('a' + random_below(&random, 26));
    }
}

static size_t count_in(struct str text, struct str wanted)
{
    size_t count = 0;
    for (size_t at = 0; at + wanted.len <= text.len; at++) {
        count += memcmp(text.data + at, wanted.data, wanted.len) == 0;
    }
    return count;
}

static void what_repeats_is_chosen_once(void **state)
{
    (void)state;
    static char samples[SAMPLES_BYTES];
    static char phrases[PHRASES][PHRASE_BYTES];
    static char chosen[ROOM];
    fill_with_noise(samples, sizeof samples, 1);
    for (size_t i = 0; i < PHRASES; i++) {
        fill_with_noise(phrases[i], PHRASE_BYTES, 2 + i);
    }
    for (size_t i = 0; i < 40; i++) {
        memcpy(samples + i * 5000 + i % 7 * 100, phrases[i % PHRASES], PHRASE_BYTES);
    }
    size_t len = dictionary_pieces_choose((struct str){samples, sizeof samples}, chosen, ROOM);
    assert_int_equal(len, ROOM);
    for (size_t i = 0; i < PHRASES; i++) {
        struct str phrase = {phrases[i], PHRASE_BYTES};
        assert_int_equal(count_in((struct str){chosen, len}, phrase), 1);
    }
}

static void no_more_is_taken_than_there_is(void **state)
{
    (void)state;
    static char samples[SAMPLES_BYTES];
    static char chosen[ROOM + 1];
    memset(samples, 'x', sizeof samples);
    for (size_t len = 0; len < 40000; len += 1 + len / 50) {
        for (size_t room = 0; room <= ROOM; room += 1000) {
            memset(chosen, 0, sizeof chosen);
            size_t taken = dictionary_pieces_choose((struct str){samples, len}, chosen, room);
            assert_true(taken <= room && taken <= len / 8);
            assert_int_equal(strlen(chosen), taken);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_repeats_is_chosen_once),
        cmocka_unit_test(no_more_is_taken_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
