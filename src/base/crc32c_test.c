/* Guards that both ways give the published values: files written by one machine are read by others.
 */
#include "base/crc32c.h"
#include "base/macros.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
/* RFC 3720 appendix B.4, and the check value of the catalogue of parametrised CRC algorithms. */
static void test_published_values(void **state)
{
    (void)state;
    unsigned char bytes[48];
    /* A SCSI Read (10) command. */
    static const unsigned char command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    assert_int_equal(crc32c("123456789", 9), 0xe3069283u);
    assert_int_equal(crc32c(NULL, 0), 0);
    memset(bytes, 0, 32);
    assert_int_equal(crc32c(bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(bytes, 32), 0x62a8ab43u);
    for (unsigned char i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_int_equal(crc32c(bytes, 32), 0x46dd794eu);
    for (unsigned char i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(crc32c(bytes, 32), 0x113fdb5cu);
    assert_int_equal(crc32c(command, sizeof command), 0xd9963a56u);
    assert_int_equal(crc32c_extend_by_table(0, command, sizeof command), 0xd9963a56u);
}

static void test_both_ways_agree(void **state)
{
    (void)state;
    enum { LENGTH_MAX = 1024, ALIGNMENTS = 8 };
    static unsigned char bytes[LENGTH_MAX + ALIGNMENTS];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 9);
    random_fill(&random, bytes, sizeof bytes);
    for (size_t at = 0; at < ALIGNMENTS; at++) {
        for (size_t len = 0; len <= LENGTH_MAX; len++) {
            uint32_t crc = (uint32_t)len * 2654435761u;
            assert_int_equal(crc32c_extend(crc, bytes + at, len),
                             crc32c_extend_by_table(crc, bytes + at, len));
        }
    }
}

static void test_extending_is_the_whole(void **state)
{
    (void)state;
    unsigned char bytes[100];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 10);
    random_fill(&random, bytes, sizeof bytes);
    uint32_t whole = crc32c(bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint32_t first = crc32c(bytes, cut);
        assert_int_equal(crc32c_extend(first, bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values),
        cmocka_unit_test(test_both_ways_agree),
        cmocka_unit_test(test_extending_is_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
