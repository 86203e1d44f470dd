#include "base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define CRC32C_POLYNOMIAL_REFLECTED 0x82f63b78u

static uint32_t table[8][256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

/* table[k][b]: the CRC of byte b followed by k zero bytes, for eight bytes a step. */
static void make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? CRC32C_POLYNOMIAL_REFLECTED : 0);
        }
        table[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int zeros = 1; zeros < 8; zeros++) {
            uint32_t before = table[zeros - 1][byte];
            table[zeros][byte] = (before >> 8) ^ table[0][before & 0xff];
        }
    }
}

static uint32_t step_by_table(uint32_t crc, const unsigned char *bytes)
{
    uint32_t result = 0;
    for (int i = 0; i < 8; i++) {
        uint32_t byte = bytes[i] ^ (i < 4 ? (crc >> (8 * i)) & 0xff : 0);
        result ^= table[7 - i][byte];
    }
    return result;
}

uint32_t crc32c_extend_by_table(uint32_t crc, const void *data, size_t len)
{
    pthread_once(&table_made, make_table);
    const unsigned char *bytes = data;
    crc = ~crc;
    for (; len >= 8; bytes += 8, len -= 8) {
        crc = step_by_table(crc, bytes);
    }
    for (; len > 0; bytes++, len--) {
        crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 0xff];
    }
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

static bool cpu_has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static uint32_t extend_by_instruction(uint32_t crc,
                                                                        const void *data,
                                                                        size_t len)
{
    const unsigned char *bytes = data;
    uint64_t state = ~crc;
    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        state = _mm_crc32_u64(state, word);
    }
    for (; len > 0; bytes++, len--) {
        state = _mm_crc32_u8((uint32_t)state, *bytes);
    }
    return ~(uint32_t)state;
}

#elif defined(__aarch64__)

#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool cpu_has_instruction(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

__attribute__((target("+crc"))) static uint32_t extend_by_instruction(uint32_t crc,
                                                                      const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint32_t state = ~crc;
    for (; len >= 8; bytes += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        state = __crc32cd(state, word);
    }
    for (; len > 0; bytes++, len--) {
        state = __crc32cb(state, *bytes);
    }
    return ~state;
}

#else

static bool cpu_has_instruction(void)
{
    return false;
}

static uint32_t extend_by_instruction(uint32_t crc, const void *data, size_t len)
{
    return crc32c_extend_by_table(crc, data, len);
}

#endif

uint32_t crc32c_extend(uint32_t crc, const void *data, size_t len)
{
    return cpu_has_instruction() ? extend_by_instruction(crc, data, len)
                                 : crc32c_extend_by_table(crc, data, len);
}
