#include "infrastructure/span_exporter_otlp/otlp_list.h"

#include "base/digits.h"

#include <string.h>

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

static enum status refuse(const char *name, unsigned number, const char *why, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0, "%s: its entry %u %s", name, number, why);
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
               : refuse(name, number, "is not written key=value, with %2C for a comma in the value",
                        err);
}

/* As RFC 9110 has a token. */
static bool is_token(struct str text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && memchr(others, c, sizeof others - 1) == NULL) {
            return false;
        }
    }
    return text.len > 0;
}

static bool is_field_value(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

enum status otlp_list_check_fields(const char *name, struct str list, struct error *err)
{
    struct otlp_pair pair;
    enum status status = otlp_list_check(name, list, err);
    for (unsigned number = 1; status == STATUS_OK && otlp_list_next(&list, &pair) == STATUS_OK;
         number++) {
        if (!is_token(pair.key) || !is_field_value(pair.value)) {
            status = refuse(name, number, "is no field of a request", err);
        }
    }
    return status;
}
