#include "interfaces/api/client_address.h"

#include <arpa/inet.h>

enum { ADDRESS_TEXT_BYTES = 64, BITS_OF_SIX = 128, BITS_OF_FOUR = 32 };

static bool parse_four(const char *text, struct http_peer *out_peer)
{
    struct http_peer peer = {.bytes = {[10] = 0xff, [11] = 0xff}};
    bool is = inet_pton(AF_INET, text, peer.bytes + 12) == 1;
    *out_peer = is ? peer : *out_peer;
    return is;
}

/* A numeric address; `out_bits` is how many bits it has by itself. */
static bool parse_address(struct str text, struct http_peer *out_peer, unsigned *out_bits)
{
    char terminated[ADDRESS_TEXT_BYTES];
    struct http_peer peer;
    if (text.len == 0 || text.len >= sizeof terminated || memchr(text.data, '\0', text.len)) {
        return false;
    }
    memcpy(terminated, text.data, text.len);
    terminated[text.len] = '\0';
    if (parse_four(terminated, out_peer)) {
        *out_bits = BITS_OF_FOUR;
        return true;
    }
    if (inet_pton(AF_INET6, terminated, peer.bytes) != 1) {
        return false;
    }
    *out_peer = peer;
    *out_bits = BITS_OF_SIX;
    return true;
}

/* --- ranges --- */

static bool parse_range(struct str text, struct client_range *out_range)
{
    unsigned address_bits;
    unsigned long long bits;
    struct str prefix = text;
    struct str address = str_split(&prefix, '/');
    if (!parse_address(address, &out_range->address, &address_bits)) {
        return false;
    }
    bits = address_bits;
    if (prefix.data != NULL && !str_parse_u64(prefix, address_bits, &bits)) {
        return false;
    }
    out_range->bits = (unsigned)bits + BITS_OF_SIX - address_bits;
    return true;
}

enum status client_ranges_parse(struct str text, struct client_ranges *out_ranges,
                                struct error *err)
{
    struct client_ranges ranges = {.count = 0};
    struct str rest = str_trim(text);
    while (rest.len > 0) {
        struct str one = str_trim(str_split(&rest, ','));
        if (ranges.count == CLIENT_RANGES_MAX) {
            return error_set(err, STATUS_INVALID, 0, "more than %d addresses", CLIENT_RANGES_MAX);
        }
        if (!parse_range(one, &ranges.items[ranges.count])) {
            return error_set(err, STATUS_INVALID, 0,
                             "\"%.*s\" is no address such as 10.1.2.3, and no network such as "
                             "10.0.0.0/8",
                             one.len < 48 ? (int)one.len : 48, one.len == 0 ? "" : one.data);
        }
        ranges.count++;
    }
    *out_ranges = ranges;
    return STATUS_OK;
}

static bool holds(const struct client_range *range, const struct http_peer *peer)
{
    size_t whole = range->bits / 8;
    unsigned rest = range->bits % 8;
    unsigned differ = rest == 0 ? 0u : (unsigned)(range->address.bytes[whole] ^ peer->bytes[whole]);
    return memcmp(range->address.bytes, peer->bytes, whole) == 0 && differ >> (8 - rest) == 0;
}

bool client_ranges_hold(const struct client_ranges *ranges, struct http_peer peer)
{
    for (size_t i = 0; i < ranges->count; i++) {
        if (holds(&ranges->items[i], &peer)) {
            return true;
        }
    }
    return false;
}

/* --- what proxies say --- */

/* Some proxies write a port behind an address: "10.1.2.3:80", "[::1]:80". */
static struct str without_port(struct str text)
{
    const char *colon = text.len == 0 ? NULL : memchr(text.data, ':', text.len);
    if (text.len > 0 && text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.len);
        return end == NULL ? text : (struct str){text.data + 1, (size_t)(end - text.data) - 1};
    }
    bool one_colon =
        colon != NULL && memchr(colon + 1, ':', text.len - (size_t)(colon + 1 - text.data)) == NULL;
    return one_colon ? (struct str){text.data, (size_t)(colon - text.data)} : text;
}

/* Cuts the last entry off; false when there was none. */
static bool take_last(struct str *list, struct str *out_entry)
{
    if (list->data == NULL) {
        return false;
    }
    const char *comma = list->len == 0 ? NULL : memrchr(list->data, ',', list->len);
    size_t begin = comma == NULL ? 0 : (size_t)(comma + 1 - list->data);
    *out_entry = str_trim((struct str){list->data + begin, list->len - begin});
    *list = comma == NULL ? (struct str){0} : (struct str){list->data, begin - 1};
    return true;
}

/* Goes on to the left in one field; false when the end of what is trusted was reached. */
static bool walk_left(const struct client_ranges *trusted, struct str list, struct http_peer *peer)
{
    struct str entry;
    unsigned bits;
    while (take_last(&list, &entry)) {
        struct http_peer said;
        if (!parse_address(without_port(entry), &said, &bits)) {
            return false; /* then it is the proxy that wrote this */
        }
        *peer = said;
        if (!client_ranges_hold(trusted, said)) {
            return false;
        }
    }
    return true;
}

struct http_peer client_address_of(const struct client_ranges *trusted,
                                   const struct api_fields *fields, struct http_peer peer)
{
    struct http_peer client = peer;
    bool goes_on = client_ranges_hold(trusted, peer);
    const struct http_header *header;
    size_t at = fields->request->header_count;
    while (goes_on &&
           (header = api_fields_previous(fields, API_FIELD_X_FORWARDED_FOR, &at)) != NULL) {
        goes_on = walk_left(trusted, header->value, &client);
    }
    return client;
}
