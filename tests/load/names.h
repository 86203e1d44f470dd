// How a ledger's activities and users are named, so that the checker knows each row again.
//
//     activity   <nonce>-<run>-<sequence>       1f0c9a3e-0002-0000014071
//     user       u<nonce>-<number>              u1f0c9a3e-17       drawn by many connections
//     ordered    o<nonce>-<run>-<connection>    o1f0c9a3e-0002-5   one connection's own user
//
// The nonce is 8 random hex digits made with the ledger. Fixed widths make the names of one run
// sort in the order in which they were sent. Pure functions, any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAME_NONCE_LEN = 8,
    NAME_RUN_MAX = 9999,
    NAME_ACTIVITY_LEN = NAME_NONCE_LEN + 1 + 4 + 1 + 10,
    NAME_BYTES_MAX = 48
};

// The greatest sequence number that the 10 digits of a name hold.
#define NAME_SEQUENCE_MAX UINT64_C(9999999999)

// Each writes a name without a NUL into at least NAME_BYTES_MAX bytes and returns its length.
size_t name_activity(const char *nonce, unsigned run, uint64_t sequence, char *out);
size_t name_user(const char *nonce, uint32_t user, char *out);
size_t name_ordered_user(const char *nonce, unsigned run, uint32_t connection, char *out);

// True when the text names an activity of the nonce; only then the out parameters are set.
bool name_parse_activity(const char *text, size_t len, const char *nonce, unsigned *out_run,
                         uint64_t *out_sequence);

// Writes the number with exactly `width` digits, zeros in front; returns the end.
char *name_put_padded(char *out, uint64_t number, unsigned width);

// Writes the number without leading zeros; returns the end.
char *name_put_number(char *out, uint64_t number);
