/* Guards packed arrays of every width: each value comes back from its index, and nothing is written
 * but the array and the slack behind it. */
#include "base/random.h"
#include "infrastructure/activity_store_local/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { VALUES = 130, BYTES = VALUES * 8 + BITS_SLACK_BYTES, GUARD = 0x5a };

static void check_pack(unsigned width, size_t count, const uint64_t *values, uint64_t base)
{
    static uint8_t bytes[BYTES + 1];
    memset(bytes, GUARD, sizeof bytes);
    bits_pack(bytes, width, values, count, base);
    for (size_t i = bits_bytes(width, count) + BITS_SLACK_BYTES; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], GUARD);
    }
    for (size_t i = 0; width > 0 && i < count; i++) {
        assert_true(base + bits_get(bytes, width, i) == values[i]);
    }
    /* Bits behind the last value are zeros, so that the same values make the same bytes. */
    if (width * count % 8 != 0) {
        assert_int_equal(bytes[bits_bytes(width, count) - 1] >> width * count % 8, 0);
    }
}

static void values_of_every_width_come_back(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 3);
    for (unsigned width = 0; width <= 64; width++) {
        for (size_t count = 0; count <= VALUES; count++) {
            uint64_t values[VALUES];
            uint64_t base = random_u64(&random);
            for (size_t i = 0; i < count; i++) {
                uint64_t above = width == 0 ? 0 : random_u64(&random) >> (64 - width);
                values[i] = base + above;
            }
            check_pack(width, count, values, base);
        }
    }
}

/* The first bits of the first byte are those of the first value. */
static void the_lowest_bit_is_the_first(void **state)
{
    (void)state;
    static const uint64_t values[] = {5, 2, 7, 0, 1};
    static const uint8_t expected[] = {0xd5, 0x11}; /* 01 000 111 010 101, from the right */
    uint8_t bytes[sizeof expected + BITS_SLACK_BYTES];
    bits_pack(bytes, 3, values, sizeof values / sizeof *values, 0);
    assert_memory_equal(bytes, expected, sizeof expected);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_width_come_back),
        cmocka_unit_test(the_lowest_bit_is_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
