/* A coding and any bytes as a body: whatever the steps they are decoded in, the same comes out and
 * the same fault is found, within the ratio, and all memory is given back. The first byte chooses
 * the coding, the second one the size of the small steps. */
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/http/http_decoder.h"

#include <stdlib.h>
#include <string.h>

enum { RATIO_MAX = 200, OUT_MAX = 1 << 20 };

static struct memory_budget memory = {.bytes_max = 1 << 26};

struct decoded {
    enum status status;
    bool at_end;
    size_t len;
    char *text;
};

static struct decoded decode(enum http_coding coding, const char *data, size_t len, size_t piece)
{
    struct http_decoder *decoder = NULL;
    struct decoded decoded = {.text = malloc(OUT_MAX)};
    decoded.status = http_decoder_new(coding, RATIO_MAX, &memory, &decoder);
    ASSERT(decoded.status == STATUS_OK && decoded.text != NULL);
    size_t at = 0;
    bool owes = false;
    while (decoded.status == STATUS_OK && (at < len || owes) && decoded.len < OUT_MAX) {
        size_t room = OUT_MAX - decoded.len;
        struct http_decoder_step step = {.in = data + at,
                                         .in_len = len - at < piece ? len - at : piece,
                                         .out = decoded.text + decoded.len,
                                         .out_len = room < piece ? room : piece};
        decoded.status = http_decoder_step(decoder, &step);
        ASSERT(step.used <= step.in_len && step.written <= step.out_len);
        owes = step.written == step.out_len;
        at += step.used;
        decoded.len += step.written;
    }
    decoded.at_end = http_decoder_at_end(decoder);
    http_decoder_free(decoder);
    ASSERT(memory.bytes_used == 0);
    return decoded;
}

static bool is_taken(const struct decoded *decoded)
{
    return decoded->status == STATUS_OK && decoded->at_end;
}

/* The ratio is looked at after each step. zstd's library holds the length that a frame names
 * against what it became when the frame is there as a whole, and not always when it comes in steps.
 */
static void check_same(enum http_coding coding, const struct decoded *large,
                       const struct decoded *small)
{
    size_t common = large->len < small->len ? large->len : small->len;
    bool both_judged = large->len < OUT_MAX && small->len < OUT_MAX &&
                       large->status != STATUS_TOO_LARGE && small->status != STATUS_TOO_LARGE;
    ASSERT(memcmp(large->text, small->text, common) == 0);
    if (both_judged) {
        ASSERT(coding == HTTP_CODING_ZSTD || is_taken(large) == is_taken(small));
        ASSERT(!is_taken(large) || !is_taken(small) || large->len == small->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum http_coding codings[] = {HTTP_CODING_GZIP, HTTP_CODING_DEFLATE,
                                               HTTP_CODING_ZSTD};
    if (size < 2) {
        return 0;
    }
    enum http_coding coding = codings[data[0] % 3];
    const char *body = (const char *)data + 2;
    struct decoded large = decode(coding, body, size - 2, OUT_MAX);
    struct decoded small = decode(coding, body, size - 2, 1 + (size_t)data[1] * 16);
    check_same(coding, &large, &small);
    free(large.text);
    free(small.text);
    return 0;
}
