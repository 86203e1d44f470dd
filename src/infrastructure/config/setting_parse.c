#include "base/assert.h"
#include "base/str.h"
#include "infrastructure/config/settings_table.h"

#include <arpa/inet.h>
#include <string.h>

/* Units with their factor; the longest match of the ending counts. */
struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"KiB", 1ull << 10}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}, {"TiB", 1ull << 40}, {"", 1},
};

static const struct unit duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60 * 1000},
    {"h", 60 * 60 * 1000},
};

static bool ends_with(struct str text, struct str ending)
{
    return text.len >= ending.len &&
           memcmp(text.data + text.len - ending.len, ending.data, ending.len) == 0;
}

static bool parse_with_unit(struct str text, const struct unit *units, size_t unit_count,
                            uint64_t *out_value)
{
    for (size_t i = 0; i < unit_count; i++) {
        struct str name = str_from(units[i].name);
        unsigned long long number;
        if (!ends_with(text, name)) {
            continue;
        }
        struct str digits = {text.data, text.len - name.len};
        if (str_parse_u64(digits, UINT64_MAX / units[i].factor, &number)) {
            *out_value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static bool parse_number(const struct setting *setting, struct str text, uint64_t *out_value)
{
    unsigned long long number;
    switch (setting->type) {
    case SETTING_BYTES:
        return parse_with_unit(text, byte_units, ARRAY_LENGTH(byte_units), out_value);
    case SETTING_DURATION:
        return parse_with_unit(text, duration_units, ARRAY_LENGTH(duration_units), out_value);
    default:
        if (!str_parse_u64(text, UINT64_MAX, &number)) {
            return false;
        }
        *out_value = number;
        return true;
    }
}

static const char *shape_of(enum setting_type type)
{
    switch (type) {
    case SETTING_BYTES:
        return "a size such as 512KiB, 64MiB, 8GiB or a number of bytes";
    case SETTING_DURATION:
        return "a time such as 500ms, 10s, 5m or 24h";
    default:
        return "a number";
    }
}

static enum status set_number(const struct setting *setting, const char *source, const char *text,
                              uint64_t *field, struct error *err)
{
    uint64_t value;
    if (!parse_number(setting, str_from(text), &value)) {
        return error_set(err, STATUS_INVALID, 0, "%s: \"%.40s\" is not %s", source, text,
                         shape_of(setting->type));
    }
    if (value < setting->min || value > setting->max) {
        return error_set(err, STATUS_INVALID, 0, "%s: \"%.40s\" is outside %llu to %llu%s", source,
                         text, (unsigned long long)setting->min, (unsigned long long)setting->max,
                         setting->type == SETTING_DURATION ? " milliseconds"
                         : setting->type == SETTING_BYTES  ? " bytes"
                                                           : "");
    }
    *field = value;
    return STATUS_OK;
}

/* Writes them with commas between; false when there is no room for all. */
static bool list_choices(const char *const *choices, char *out_text, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; choices[i] != NULL && used < bytes; i++) {
        int len = snprintf(out_text + used, bytes - used, "%s%s", i == 0 ? "" : ", ", choices[i]);
        used += (size_t)len;
    }
    return used < bytes;
}

static enum status set_choice(const struct setting *setting, const char *source, const char *text,
                              uint64_t *field, struct error *err)
{
    char known[96];
    for (uint64_t i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(text, setting->choices[i]) == 0) {
            *field = i;
            return STATUS_OK;
        }
    }
    if (!list_choices(setting->choices, known, sizeof known)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%s: \"%.40s\" is not known; usertrail configuration lists what is",
                         source, text);
    }
    return error_set(err, STATUS_INVALID, 0, "%s: \"%.40s\" is none of %s", source, text, known);
}

static enum status set_switch(const char *source, const char *text, bool *field, struct error *err)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return error_set(err, STATUS_INVALID, 0, "%s: \"%.40s\" is neither true nor false", source,
                         text);
    }
    *field = strcmp(text, "true") == 0;
    return STATUS_OK;
}

static enum status set_text(const char *source, const char *text, char field[SETTINGS_TEXT_BYTES],
                            struct error *err)
{
    if (text[0] == '\0' || strlen(text) >= SETTINGS_TEXT_BYTES) {
        return error_set(err, STATUS_INVALID, 0, "%s: needs 1 to %d bytes of text", source,
                         SETTINGS_TEXT_BYTES - 1);
    }
    snprintf(field, SETTINGS_TEXT_BYTES, "%s", text);
    return STATUS_OK;
}

static enum status set_optional_text(const char *source, const char *text,
                                     char field[SETTINGS_TEXT_BYTES], struct error *err)
{
    if (text[0] == '\0') {
        field[0] = '\0';
        return STATUS_OK;
    }
    return set_text(source, text, field, err);
}

/* Splits "HOST:PORT" at the last colon, takes the brackets off an IPv6 address and names localhost
 * by its number. */
static bool split_address(struct str text, struct settings_address *out_address)
{
    const char *colon = text.len == 0 ? NULL : memrchr(text.data, ':', text.len);
    unsigned long long port;
    if (colon == NULL) {
        return false;
    }
    struct str host = {text.data, (size_t)(colon - text.data)};
    struct str digits = {colon + 1, text.len - host.len - 1};
    if (str_equal(host, STR("localhost"))) {
        host = STR("127.0.0.1");
    }
    bool bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (bracketed) {
        host = (struct str){host.data + 1, host.len - 2};
    }
    bool colons = host.len > 0 && memchr(host.data, ':', host.len) != NULL;
    if (bracketed != colons || host.len == 0 || host.len >= sizeof out_address->host ||
        !str_parse_u64(digits, UINT16_MAX, &port)) {
        return false;
    }
    snprintf(out_address->host, sizeof out_address->host, "%.*s", STR_FORMAT(host));
    out_address->port = (uint16_t)port;
    return true;
}

static bool classify_host(struct settings_address *address)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address->host, &four) == 1) {
        address->loopback = ntohl(four.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, address->host, &six) == 1) {
        address->loopback = IN6_IS_ADDR_LOOPBACK(&six);
        return true;
    }
    return false;
}

static enum status set_address(const char *source, const char *text, struct settings_address *field,
                               struct error *err)
{
    struct settings_address address = {0};
    if (!split_address(str_from(text), &address) || !classify_host(&address)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%s: \"%.40s\" is not ADDRESS:PORT such as 127.0.0.1:3000 or [::1]:3000",
                         source, text);
    }
    *field = address;
    return STATUS_OK;
}

enum status setting_parse(const struct setting *setting, const char *source, const char *text,
                          struct settings *settings, struct error *err)
{
    void *field = (char *)settings + setting->offset;
    switch (setting->type) {
    case SETTING_ADDRESS:
        return set_address(source, text, field, err);
    case SETTING_TEXT:
    case SETTING_NAME:
    case SETTING_LIST:
    case SETTING_URI:
        return set_text(source, text, field, err);
    case SETTING_ORIGINS:
    case SETTING_FILE:
    case SETTING_OPTIONAL_NAME:
    case SETTING_OPTIONAL_LIST:
    case SETTING_OPTIONAL_URI:
    case SETTING_OPTIONAL_PAIRS:
        return set_optional_text(source, text, field, err);
    case SETTING_SWITCH:
        return set_switch(source, text, field, err);
    case SETTING_CHOICE:
        return set_choice(setting, source, text, field, err);
    default:
        return set_number(setting, source, text, field, err);
    }
}
