/* Guards that every byte is found at every place, and no other one with it. Built twice: as the
 * machine can do it, and by words. */
#include "base/block.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static uint64_t naive_mask(const char *bytes, unsigned char bits, unsigned char byte)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        unsigned char c = (unsigned char)bytes[i] | bits;
        mask |= (uint64_t)(c == byte) << i;
    }
    return mask;
}

static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char bytes[BLOCK_BYTES];
        for (unsigned place = 0; place < BLOCK_BYTES; place++) {
            memset(bytes, (char)(byte ^ 1), sizeof bytes);
            bytes[place] = (char)byte;
            struct block block = block_load(bytes);
            assert_true(block_holds(block, (unsigned char)byte) == UINT64_C(1) << place);
            assert_true(block_holds(block, (unsigned char)(byte ^ 1)) == ~(UINT64_C(1) << place));
            assert_true(block_holds(block, (unsigned char)(byte ^ 2)) == 0);
        }
    }
}

/* Of few kinds, so that most are found many times. */
static void test_random_bytes(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 3);
    for (int i = 0; i < 20000; i++) {
        char bytes[BLOCK_BYTES];
        random_fill(&random, bytes, sizeof bytes);
        unsigned char of = (unsigned char)random_below(&random, 256);
        unsigned char bits = (unsigned char)(1u << random_below(&random, 8));
        for (size_t at = 0; at < BLOCK_BYTES; at++) {
            bytes[at] = (char)((bytes[at] & 0x83) ^ of);
        }
        struct block block = block_load(bytes);
        unsigned char byte = (unsigned char)bytes[i % BLOCK_BYTES];
        assert_true(block_holds(block, byte) == naive_mask(bytes, 0, byte));
        byte |= bits;
        assert_true(block_holds(block_with_bits(block, bits), byte) ==
                    naive_mask(bytes, bits, byte));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
