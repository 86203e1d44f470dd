#include "interfaces/api/api_request_name.h"

#include "base/digits.h"
#include "interfaces/api/api_private.h"

enum { COUNT_DIGITS_MAX = 20 };

_Static_assert(REQUEST_NAMES_FRONT_BYTES + 1 + COUNT_DIGITS_MAX <= HTTP_SCRATCH_BYTES,
               "a name that is made here fits");

void api_request_names_init(struct api_request_names *names, const struct random *random)
{
    uint8_t bytes[REQUEST_NAMES_FRONT_BYTES / 2];
    random_fill(random, bytes, sizeof bytes);
    digits_write_bytes(bytes, sizeof bytes, names->front);
    names->count = 0;
}

static bool is_of_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._:+/=@", c) != NULL);
}

bool api_request_name_is_valid(struct str name)
{
    size_t at = 0;
    while (at < name.len && is_of_name(name.data[at])) {
        at++;
    }
    return name.len > 0 && name.len <= REQUEST_NAME_BYTES_MAX && at == name.len;
}

/* Without printf: every request takes one. */
static struct str make_name(struct api_request_names *names, char *text)
{
    char digits[COUNT_DIGITS_MAX];
    size_t used = COUNT_DIGITS_MAX;
    uint64_t left = ++names->count;
    for (; left > 0; left /= 10) {
        digits[--used] = (char)('0' + left % 10);
    }
    memcpy(text, names->front, REQUEST_NAMES_FRONT_BYTES);
    text[REQUEST_NAMES_FRONT_BYTES] = '-';
    memcpy(text + REQUEST_NAMES_FRONT_BYTES + 1, digits + used, COUNT_DIGITS_MAX - used);
    return (struct str){text, REQUEST_NAMES_FRONT_BYTES + 1 + COUNT_DIGITS_MAX - used};
}

void api_request_name(const struct api_call *call)
{
    struct api_fields fields = api_call_fields(call);
    size_t count;
    struct str name = api_fields_only(&fields, API_FIELD_X_REQUEST_ID, &count);
    if (!api_request_name_is_valid(name)) {
        name = make_name(&api_call_loop(call)->names, http_exchange_scratch(call->exchange));
    }
    http_exchange_set_name(call->exchange, name);
}
