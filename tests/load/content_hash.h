// The hash by which the ledger knows an activity's content again.
//
// It covers userId, action, the timestamp where the client sent one, and the metadata in canonical
// form: strings by their decoded bytes, numbers by their text (1.50 is not 1.5), members in their
// order. White space and the spelling of string escapes do not count, since the service may change
// these two and nothing else. Values must have been read with YYJSON_READ_NUMBER_AS_RAW.
// Pure functions, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yyjson.h>

// The hash of an activity object, as sent or as answered; members that are missing or not of their
// type hash as absent, so that they differ from present ones.
uint64_t content_hash_activity(yyjson_val *activity, bool with_timestamp);

// A 64-bit hash of bytes; good enough against accidents, not against an attacker.
uint64_t content_hash_bytes(uint64_t seed, const void *bytes, size_t len);
