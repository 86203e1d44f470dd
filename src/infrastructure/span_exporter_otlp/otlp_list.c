#include "infrastructure/span_exporter_otlp/otlp_list.h"

#include "base/digits.h"

/* Takes the escapes out of the value. False: one is wrong, or it is too long. */
static bool unescape(struct str value, struct otlp_pair *pair)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = (uint8_t)value.data[i];
        bool escaped = byte == '%';
        if (len == sizeof pair->room || (escaped && value.len - i < 3) ||
            (escaped && !digits_parse_bytes(value.data + i + 1, 1, &byte))) {
            return false;
        }
        pair->room[len++] = (char)byte;
        i += escaped ? 2 : 0;
    }
    pair->value = (struct str){pair->room, len};
    return true;
}

enum status otlp_list_next(struct str *rest, struct otlp_pair *out_pair)
{
    struct str value = {0};
    while (rest->data != NULL && value.len == 0) {
        value = str_trim(str_split(rest, ','));
    }
    if (value.len == 0) {
        return STATUS_NOT_FOUND;
    }
    out_pair->key = str_trim(str_split(&value, '='));
    return value.data != NULL && out_pair->key.len > 0 && unescape(str_trim(value), out_pair)
               ? STATUS_OK
               : STATUS_INVALID;
}

enum status otlp_list_check(const char *name, struct str list, struct error *err)
{
    struct otlp_pair pair;
    enum status status;
    unsigned number = 0;
    do {
        status = otlp_list_next(&list, &pair);
        number++;
    } while (status == STATUS_OK);
    return status == STATUS_NOT_FOUND
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "%s: its entry %u is not written key=value, with %%2C for a comma in "
                           "the value",
                           name, number);
}
