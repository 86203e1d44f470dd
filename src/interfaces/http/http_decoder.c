#include "interfaces/http/http_decoder.h"

#include "base/assert.h"

#define ZLIB_CONST /* what is read is not written to */
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    ZSTD_WINDOW_LOG_MAX = 23,      /* 8 MiB, which every decoder should support */
    INFLATE_BYTES = 48 * 1024,     /* zlib.h: 32 KiB of window and about 7 KiB of state */
    RATIO_FREE_BYTES = 256 * 1024, /* small bodies of repetitions are no attack */
    ZLIB_WINDOW_BITS = 15,
    ZLIB_GZIP = 16 /* added to the bits: gzip only */
};

struct http_decoder {
    enum http_coding coding;
    unsigned ratio_max;
    struct memory_budget *memory;
    size_t charged;
    uint64_t in_bytes;
    uint64_t out_bytes;
    bool at_end;
    bool begun; /* deflate: its format is known */
    z_stream inflate;
    ZSTD_DStream *zstd;
};

/* --- life --- */

static enum status charge(struct http_decoder *decoder, size_t bytes)
{
    if (bytes <= decoder->charged) {
        return STATUS_OK;
    }
    if (!memory_budget_charge(decoder->memory, bytes - decoder->charged)) {
        return STATUS_BUSY;
    }
    decoder->charged = bytes;
    return STATUS_OK;
}

static enum status open_inflate(struct http_decoder *decoder, int window_bits)
{
    enum status status = charge(decoder, INFLATE_BYTES);
    if (status != STATUS_OK) {
        return status;
    }
    return inflateInit2(&decoder->inflate, window_bits) == Z_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status open_zstd(struct http_decoder *decoder)
{
    decoder->zstd = ZSTD_createDStream();
    if (decoder->zstd == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t result = ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ASSERT(!ZSTD_isError(result));
    return charge(decoder, ZSTD_sizeof_DStream(decoder->zstd));
}

/* Of deflate the first byte says which of its two formats it is. */
static enum status decoder_open(struct http_decoder *decoder)
{
    switch (decoder->coding) {
    case HTTP_CODING_GZIP:
        decoder->begun = true;
        return open_inflate(decoder, ZLIB_WINDOW_BITS + ZLIB_GZIP);
    case HTTP_CODING_DEFLATE:
        return STATUS_OK;
    default:
        ASSERT(decoder->coding == HTTP_CODING_ZSTD);
        decoder->begun = true;
        return open_zstd(decoder);
    }
}

enum status http_decoder_new(enum http_coding coding, unsigned ratio_max,
                             struct memory_budget *memory, struct http_decoder **out_decoder)
{
    struct http_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL) {
        return STATUS_NO_MEMORY;
    }
    decoder->coding = coding;
    decoder->ratio_max = ratio_max;
    decoder->memory = memory;
    enum status status = decoder_open(decoder);
    if (status != STATUS_OK) {
        http_decoder_free(decoder);
        return status;
    }
    *out_decoder = decoder;
    return STATUS_OK;
}

void http_decoder_free(struct http_decoder *decoder)
{
    if (decoder == NULL) {
        return;
    }
    (void)inflateEnd(&decoder->inflate); /* says that it was never opened where it was not */
    ZSTD_freeDStream(decoder->zstd);
    memory_budget_release(decoder->memory, decoder->charged);
    free(decoder);
}

/* --- one step --- */

/* RFC 1950 section 2.2: the method is 8, the window at most 32 KiB. No bare stream of today's
 * encoders begins so: it would be a stored block that is not the last one. */
static bool begins_as_zlib(unsigned char first)
{
    return (first & 0x0f) == Z_DEFLATED && (first >> 4) <= ZLIB_WINDOW_BITS - 8;
}

/* Behind a member of gzip another one may follow, which is part of the body. */
static enum status begin_inflate(struct http_decoder *decoder, const struct http_decoder_step *step)
{
    if (!decoder->begun) {
        ASSERT(step->in_len > 0);
        decoder->begun = true;
        bool zlib = begins_as_zlib((unsigned char)step->in[0]);
        return open_inflate(decoder, zlib ? ZLIB_WINDOW_BITS : -ZLIB_WINDOW_BITS);
    }
    if (decoder->at_end && step->in_len > 0) {
        decoder->at_end = false;
        bool more_allowed = decoder->coding == HTTP_CODING_GZIP;
        return more_allowed && inflateReset(&decoder->inflate) == Z_OK ? STATUS_OK : STATUS_INVALID;
    }
    return STATUS_OK;
}

static enum status step_inflate(struct http_decoder *decoder, struct http_decoder_step *step)
{
    enum status status = begin_inflate(decoder, step);
    if (status != STATUS_OK) {
        return status;
    }
    z_stream *stream = &decoder->inflate;
    stream->next_in = (const unsigned char *)step->in;
    stream->avail_in = (unsigned)step->in_len;
    stream->next_out = (unsigned char *)step->out;
    stream->avail_out = (unsigned)step->out_len;
    int result = inflate(stream, Z_NO_FLUSH);
    step->used = step->in_len - stream->avail_in;
    step->written = step->out_len - stream->avail_out;
    decoder->at_end = result == Z_STREAM_END || (decoder->at_end && step->in_len == 0);
    if (result == Z_MEM_ERROR) {
        return STATUS_NO_MEMORY;
    }
    /* Z_BUF_ERROR: nothing could be done, since one of them is used up */
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? STATUS_OK
                                                                             : STATUS_INVALID;
}

static enum status step_zstd(struct http_decoder *decoder, struct http_decoder_step *step)
{
    ZSTD_inBuffer in = {.src = step->in, .size = step->in_len};
    ZSTD_outBuffer out = {.dst = step->out, .size = step->out_len};
    size_t result = ZSTD_decompressStream(decoder->zstd, &out, &in);
    step->used = in.pos;
    step->written = out.pos;
    if (ZSTD_isError(result)) {
        return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? STATUS_NO_MEMORY
                                                                         : STATUS_INVALID;
    }
    if (step->used > 0 || step->written > 0) { /* else it asks for a further frame */
        decoder->at_end = result == 0;
    }
    return charge(decoder, ZSTD_sizeof_DStream(decoder->zstd));
}

static bool passes_ratio(const struct http_decoder *decoder)
{
    return decoder->out_bytes > RATIO_FREE_BYTES &&
           decoder->out_bytes / decoder->ratio_max > decoder->in_bytes;
}

enum status http_decoder_step(struct http_decoder *decoder, struct http_decoder_step *step)
{
    ASSERT(step->in_len <= UINT32_MAX && step->out_len <= UINT32_MAX);
    step->used = 0;
    step->written = 0;
    enum status status = decoder->coding == HTTP_CODING_ZSTD ? step_zstd(decoder, step)
                                                             : step_inflate(decoder, step);
    decoder->in_bytes += step->used;
    decoder->out_bytes += step->written;
    return status == STATUS_OK && passes_ratio(decoder) ? STATUS_TOO_LARGE : status;
}

bool http_decoder_at_end(const struct http_decoder *decoder)
{
    return decoder->at_end;
}
