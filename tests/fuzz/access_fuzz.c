/*
 * What a request says of who it is from: the fields Authorization and X-Forwarded-For, and a token
 * in its query. Whatever they hold, what is read lies within them and is decided in one way.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/api/api_credential.h"
#include "interfaces/api/api_link.h"
#include "interfaces/api/client_address.h"

#include <stdlib.h>

static bool lies_in(struct str part, const char *data, size_t size)
{
    return part.data >= data && part.data + part.len <= data + size;
}

static void read_authorization(struct str text)
{
    char *scratch = malloc(API_CREDENTIAL_BYTES_MAX); /* so that a sanitizer sees its end */
    struct str shown;
    ASSERT(scratch != NULL);
    if (api_credential_read(text, scratch, &shown)) {
        ASSERT(lies_in(shown, text.data, text.len) ||
               lies_in(shown, scratch, API_CREDENTIAL_BYTES_MAX));
    }
    free(scratch);
}

static void read_query(struct str text)
{
    struct arena arena;
    struct str rest;
    struct str token = api_credential_token(text);
    arena_init(&arena, 16 << 20);
    ASSERT(token.data == NULL || lies_in(token, text.data, text.len));
    ASSERT(api_credential_without_token(text, &arena, &rest));
    ASSERT(rest.len <= text.len && api_credential_token(rest).data == NULL);
    arena_deinit(&arena);
}

/* With everybody trusted the walk goes as far as it can. */
static void read_forwarded(struct str text)
{
    struct client_ranges all;
    struct client_ranges none = {.count = 0};
    struct http_peer peer = {.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    const struct http_header headers[] = {{STR("X-Forwarded-For"), text}};
    const struct http_request request = {.headers = headers, .header_count = 1};
    const struct api_fields fields = {.request = &request};
    enum status status = client_ranges_parse(STR("0.0.0.0/0,::/0"), &all, NULL);
    ASSERT(status == STATUS_OK);
    struct http_peer client = client_address_of(&all, &fields, peer);
    ASSERT(client_ranges_hold(&all, client));
    client = client_address_of(&none, &fields, peer);
    ASSERT(memcmp(client.bytes, peer.bytes, sizeof peer.bytes) == 0);
}

static void read_ranges(struct str text)
{
    struct client_ranges ranges;
    struct error err = {0};
    enum status status = client_ranges_parse(text, &ranges, &err);
    if (status == STATUS_OK) {
        ASSERT(ranges.count <= CLIENT_RANGES_MAX);
        for (size_t i = 0; i < ranges.count; i++) {
            ASSERT(client_ranges_hold(&ranges, ranges.items[i].address));
        }
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t seconds = 0;
    char *text = fuzz_copy(data, size, 0);
    struct str input = {text, size};
    read_authorization(input);
    read_query(input);
    read_forwarded(input);
    read_ranges(input);
    if (api_link_read_seconds(input, &seconds)) {
        ASSERT(seconds >= 1 && seconds <= VIEWER_LINK_SECONDS_MAX);
    }
    free(text);
    return 0;
}
