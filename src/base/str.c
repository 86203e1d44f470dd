#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_equal_ignoring_case(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    if (str_equal(a, b)) { /* most programs write a field's name as its standard does */
        return true;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

struct str str_split(struct str *rest, char separator)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    struct str first = *rest;
    if (found == NULL) {
        *rest = (struct str){0};
        return first;
    }
    first.len = (size_t)(found - rest->data);
    rest->data = found + 1;
    rest->len -= first.len + 1;
    return first;
}

bool str_parse_u64(struct str s, unsigned long long max, unsigned long long *out_value)
{
    unsigned long long value = 0;
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        unsigned digit = (unsigned)(s.data[i] - '0');
        if (digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out_value = value;
    return true;
}
