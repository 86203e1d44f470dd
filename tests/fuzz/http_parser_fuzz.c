/* Any bytes, whole and in pieces: the parser must come to the same request or refuse both, and what
 * it takes for a head must not hold what another server would read as a different one. */
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/http/http_parser.h"

#include <string.h>

enum { BODY_MAX = 4096 };

static struct memory_budget memory = {.bytes_max = 1 << 24};

static size_t parse(struct http_parser *parser, const char *text, size_t len, size_t piece,
                    enum http_parser_event *out_event)
{
    enum http_parser_event event = HTTP_PARSER_MORE;
    size_t at = 0;
    while (event == HTTP_PARSER_HEADER || (event == HTTP_PARSER_MORE && at < len)) {
        size_t used = 0;
        size_t part = len - at < piece ? len - at : piece;
        event = http_parser_feed(parser, text + at, part, &used);
        ASSERT(used <= part);
        at += used;
        if (event == HTTP_PARSER_HEADER &&
            http_parser_accept_body(parser, BODY_MAX) == HTTP_PARSER_FAULT) {
            event = HTTP_PARSER_FAULT;
        }
    }
    *out_event = event;
    return at;
}

/* The head as sent: every LF behind a CR, every CR before an LF, no NUL, no folded line. */
static void check_head(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    ASSERT(end != NULL);
    for (const char *at = text; at < end; at++) {
        ASSERT(*at != '\0');
        ASSERT(*at != '\n' || (at > text && at[-1] == '\r'));
        ASSERT(*at != '\r' || at[1] == '\n');
        ASSERT(*at != '\n' || (at[1] != ' ' && at[1] != '\t'));
    }
}

static void check_request(const struct http_parser *parser, const char *text, size_t used)
{
    const struct http_request *request = &parser->request;
    check_head(text, used);
    ASSERT(request->body_len <= BODY_MAX);
    ASSERT(request->path.len > 0 && (request->path.data[0] == '/' || request->path.data[0] == '*'));
    ASSERT(request->has_body == (request->body != NULL));
    if (request->body != NULL) {
        static const char zeros[HTTP_BODY_PADDING];
        ASSERT(memcmp(request->body + request->body_len, zeros, sizeof zeros) == 0);
    }
}

static void check_same(const struct http_parser *a, const struct http_parser *b)
{
    ASSERT(a->request.method == b->request.method);
    ASSERT(str_equal(a->request.path, b->request.path));
    ASSERT(str_equal(a->request.query, b->request.query));
    ASSERT(a->request.header_count == b->request.header_count);
    ASSERT(a->keep_alive == b->keep_alive);
    for (size_t i = 0; i < a->request.header_count; i++) {
        ASSERT(str_equal(a->request.headers[i].name, b->request.headers[i].name));
        ASSERT(str_equal(a->request.headers[i].value, b->request.headers[i].value));
    }
    ASSERT(str_equal((struct str){a->request.body, a->request.body_len},
                     (struct str){b->request.body, b->request.body_len}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct http_parser whole;
    struct http_parser pieces;
    enum http_parser_event whole_event;
    enum http_parser_event pieces_event;
    size_t piece = size == 0 ? 1 : 1 + data[size - 1] % 7u;
    http_parser_init(&whole, &http_limits_default, &memory);
    http_parser_init(&pieces, &http_limits_default, &memory);
    size_t whole_used = parse(&whole, text, size, size + 1, &whole_event);
    size_t pieces_used = parse(&pieces, text, size, piece, &pieces_event);
    ASSERT(whole_event == pieces_event);
    if (whole_event == HTTP_PARSER_COMPLETE) {
        ASSERT(whole_used == pieces_used);
        check_request(&whole, text, whole_used);
        check_same(&whole, &pieces);
    }
    http_parser_deinit(&whole);
    http_parser_deinit(&pieces);
    ASSERT(atomic_load(&memory.bytes_used) == 0);
    return 0;
}
