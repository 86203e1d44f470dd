#pragma once
/*
 * Integers in files and tokens: little-endian, at any alignment. Compilers make one load or store
 * of each. Any thread.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void little_endian_put_u32(void *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static inline void little_endian_put_u64(void *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint32_t little_endian_get_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static inline uint64_t little_endian_get_u64(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}
