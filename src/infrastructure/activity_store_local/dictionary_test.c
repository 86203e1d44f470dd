/* Guards the training of dictionaries: samples are spread over a part and bounded, and what comes
 * out of them makes metadata smaller. */
#include "infrastructure/activity_store_local/dictionary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct str make_metadata(char space[160], uint32_t row)
{
    int len = snprintf(space, 160, "{\"path\":\"/products/%u\",\"agent\":\"Browser %u\",\"n\":%u}",
                       row * 7919 % 100, row % 3, row * 2654435761u);
    return (struct str){.data = space, .len = (size_t)len};
}

static void take_samples(struct dictionary_samples *samples, uint32_t blocks)
{
    char space[160];
    uint32_t between = dictionary_blocks_between(blocks);
    for (uint32_t block = 0; block < blocks; block += between) {
        dictionary_samples_begin(samples);
        for (uint32_t row = 0; row < PAGE_BLOCK_ROWS; row++) {
            dictionary_samples_add(samples,
                                   make_metadata(space, block * (uint32_t)PAGE_BLOCK_ROWS + row));
        }
    }
}

static void samples_are_spread(void **state)
{
    (void)state;
    assert_int_equal(dictionary_blocks_between(0), 1);
    assert_int_equal(dictionary_blocks_between(DICTIONARY_SAMPLES), 1);
    for (uint32_t blocks = 1; blocks < 70000; blocks += 17) {
        uint32_t between = dictionary_blocks_between(blocks);
        uint32_t samples = (blocks + between - 1) / between;
        assert_true(samples <= DICTIONARY_SAMPLES);
        assert_true(samples > DICTIONARY_SAMPLES / 2 - 1 || between == 1);
    }
}

static void samples_are_bounded(void **state)
{
    (void)state;
    static char much[3 * DICTIONARY_SAMPLE_BYTES / 2];
    struct dictionary_samples samples;
    dictionary_samples_init(&samples);
    for (int i = 0; i < 2 * DICTIONARY_SAMPLES; i++) {
        dictionary_samples_begin(&samples);
        dictionary_samples_begin(&samples);
        dictionary_samples_add(&samples, (struct str){much, sizeof much / 2});
        dictionary_samples_add(&samples, (struct str){much, sizeof much});
    }
    assert_int_equal(samples.count, DICTIONARY_SAMPLES);
    for (size_t i = 0; i < samples.count; i++) {
        assert_int_equal(samples.lengths[i], DICTIONARY_SAMPLE_BYTES);
    }
    assert_int_equal(samples.bytes.len, (size_t)DICTIONARY_SAMPLES * DICTIONARY_SAMPLE_BYTES);
    dictionary_samples_deinit(&samples);
}

static void a_dictionary_makes_metadata_smaller(void **state)
{
    (void)state;
    struct dictionary_samples samples;
    struct buffer dictionary;
    char space[160];
    char with[256];
    char without[256];
    dictionary_samples_init(&samples);
    buffer_init(&dictionary, DICTIONARY_BYTES);
    take_samples(&samples, 1000);
    dictionary_train(&samples, &dictionary);
    assert_true(dictionary.len > 0);
    struct str metadata = make_metadata(space, 12345);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    size_t small = ZSTD_compress_usingDict(context, with, sizeof with, metadata.data, metadata.len,
                                           dictionary.data, dictionary.len, 1);
    size_t large =
        ZSTD_compressCCtx(context, without, sizeof without, metadata.data, metadata.len, 1);
    assert_true(!ZSTD_isError(small) && small < large * 2 / 3);
    ZSTD_freeCCtx(context);
    buffer_deinit(&dictionary);
    dictionary_samples_deinit(&samples);
}

static void too_little_makes_none(void **state)
{
    (void)state;
    struct dictionary_samples samples;
    struct buffer dictionary;
    dictionary_samples_init(&samples);
    buffer_init(&dictionary, DICTIONARY_BYTES);
    dictionary_train(&samples, &dictionary);
    dictionary_samples_begin(&samples);
    dictionary_train(&samples, &dictionary);
    dictionary_samples_add(&samples, STR("{}"));
    dictionary_train(&samples, &dictionary);
    assert_int_equal(dictionary.len, 0);
    assert_int_equal(dictionary.failed, STATUS_OK);
    buffer_deinit(&dictionary);
    dictionary_samples_deinit(&samples);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_spread),
        cmocka_unit_test(samples_are_bounded),
        cmocka_unit_test(a_dictionary_makes_metadata_smaller),
        cmocka_unit_test(too_little_makes_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
