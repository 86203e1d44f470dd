#include "names.h"

#include <string.h>

char *name_put_padded(char *out, uint64_t number, unsigned width)
{
    for (unsigned digit = width; digit-- > 0; number /= 10)
        out[digit] = (char)('0' + number % 10);
    return out + width;
}

char *name_put_number(char *out, uint64_t number)
{
    unsigned width = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        width++;
    return name_put_padded(out, number, width);
}

static char *put_nonce(char *out, const char *nonce)
{
    memcpy(out, nonce, NAME_NONCE_LEN);
    out[NAME_NONCE_LEN] = '-';
    return out + NAME_NONCE_LEN + 1;
}

size_t name_activity(const char *nonce, unsigned run, uint64_t sequence, char *out)
{
    char *end = name_put_padded(put_nonce(out, nonce), run, 4);
    *end++ = '-';
    return (size_t)(name_put_padded(end, sequence, 10) - out);
}

size_t name_user(const char *nonce, uint32_t user, char *out)
{
    out[0] = 'u';
    return (size_t)(name_put_number(put_nonce(out + 1, nonce), user) - out);
}

size_t name_ordered_user(const char *nonce, unsigned run, uint32_t connection, char *out)
{
    out[0] = 'o';
    char *end = name_put_padded(put_nonce(out + 1, nonce), run, 4);
    *end++ = '-';
    return (size_t)(name_put_number(end, connection) - out);
}

static bool parse_digits(const char *text, unsigned width, uint64_t *out_number)
{
    uint64_t number = 0;
    for (unsigned digit = 0; digit < width; digit++) {
        if (text[digit] < '0' || text[digit] > '9')
            return false;
        number = number * 10 + (uint64_t)(text[digit] - '0');
    }
    *out_number = number;
    return true;
}

bool name_parse_activity(const char *text, size_t len, const char *nonce, unsigned *out_run,
                         uint64_t *out_sequence)
{
    uint64_t run = 0;
    uint64_t sequence = 0;
    const char *run_text = text + NAME_NONCE_LEN + 1;
    if (len != NAME_ACTIVITY_LEN || memcmp(text, nonce, NAME_NONCE_LEN) != 0 ||
        text[NAME_NONCE_LEN] != '-' || run_text[4] != '-')
        return false;
    if (!parse_digits(run_text, 4, &run) || !parse_digits(run_text + 5, 10, &sequence))
        return false;
    *out_run = (unsigned)run;
    *out_sequence = sequence;
    return true;
}
