#pragma once
/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds every burst of up to 32 damaged bits. Uses the
 * CPU's instruction where it has one, a table elsewhere. Any thread.
 */
#include <stddef.h>
#include <stdint.h>

/* The CRC of `len` bytes that follow what `crc` covers; start with 0. */
uint32_t crc32c_extend(uint32_t crc, const void *data, size_t len);

static inline uint32_t crc32c(const void *data, size_t len)
{
    return crc32c_extend(0, data, len);
}

/* The table's way on every machine; the unit test holds both against each other. */
uint32_t crc32c_extend_by_table(uint32_t crc, const void *data, size_t len);
