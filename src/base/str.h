#pragma once
/*
 * A slice of bytes that belongs to somebody else: not terminated, may hold NUL. The owner is named
 * where the slice is handed over. An absent text is {NULL, 0}; an empty one has data. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *data;
    size_t len; /* bytes */
};

/* A slice of a string literal. */
#define STR(literal)                                                                               \
    (struct str)                                                                                   \
    {                                                                                              \
        .data = (literal), .len = sizeof(literal) - 1                                              \
    }

/* For printf: printf("%.*s", STR_FORMAT(s)). */
#define STR_FORMAT(s) (int)(s).len, (s).data

static inline struct str str_from(const char *terminated)
{
    return (struct str){.data = terminated, .len = strlen(terminated)};
}

static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Byte order; a prefix sorts first. Below, equal or above 0. */
static inline int str_compare(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

/* ASCII case is ignored, as HTTP field names want it. */
bool str_equal_ignoring_case(struct str a, struct str b);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Cuts `*rest` at the first `separator`: returns what stands before it and leaves what follows. At
 * the end (no separator) returns all and leaves {NULL, 0}. */
struct str str_split(struct str *rest, char separator);

/* Reads decimal digits only, the whole slice, at most `max`. False leaves *out_value untouched. */
bool str_parse_u64(struct str s, unsigned long long max, unsigned long long *out_value);
