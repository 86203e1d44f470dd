#include "content_hash.h"

#include <string.h>

// Deeper than any metadata that the service takes (32); what lies below hashes alike.
enum { DEPTH_MAX = 64 };

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 29);
}

uint64_t content_hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint64_t hash = mix(seed, len);
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word = 0;
        memcpy(&word, at, 8);
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    if (len > 0)
        memcpy(&rest, at, len);
    return mix(mix(hash, rest), UINT64_C(0xD6E8FEB86659FD93));
}

static uint64_t hash_value(uint64_t hash, yyjson_val *value, unsigned depth)
{
    // The type goes first, so that the string "1" and the number 1 differ, as do [] and {}. (The
    // tag would not do: in yyjson it also tells how a string was spelled.)
    hash = mix(hash, yyjson_get_type(value) + (yyjson_is_true(value) ? 256U : 0U));
    if (value == NULL || depth >= DEPTH_MAX)
        return hash;
    if (yyjson_is_str(value))
        return content_hash_bytes(hash, yyjson_get_str(value), yyjson_get_len(value));
    if (yyjson_is_raw(value))
        return content_hash_bytes(hash, yyjson_get_raw(value), yyjson_get_len(value));
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *member;
    if (yyjson_is_obj(value)) {
        hash = mix(hash, yyjson_obj_size(value));
        yyjson_obj_foreach(value, index, count, key, member)
        {
            hash = content_hash_bytes(hash, yyjson_get_str(key), yyjson_get_len(key));
            hash = hash_value(hash, member, depth + 1);
        }
    } else if (yyjson_is_arr(value)) {
        hash = mix(hash, yyjson_arr_size(value));
        yyjson_arr_foreach(value, index, count, member) hash = hash_value(hash, member, depth + 1);
    }
    return hash;
}

uint64_t content_hash_activity(yyjson_val *activity, bool with_timestamp)
{
    uint64_t hash = hash_value(1, yyjson_obj_get(activity, "userId"), 0);
    hash = hash_value(hash, yyjson_obj_get(activity, "action"), 0);
    if (with_timestamp)
        hash = hash_value(hash, yyjson_obj_get(activity, "timestamp"), 0);
    return hash_value(hash, yyjson_obj_get(activity, "metadata"), 0);
}
