/* Metadata of a few rows, compressed together. */
#include "base/assert.h"
#include "infrastructure/activity_store_local/page.h"
#include "infrastructure/activity_store_local/reading.h"

#include <stdlib.h>
#include <zstd.h>

enum block_encoding { BLOCK_PLAIN, BLOCK_ZSTD, BLOCK_SPLIT_ZSTD };

/* Every frame begins with the same bytes, which a block therefore leaves out. */
static const uint8_t frame_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

struct page_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *expander;
    ZSTD_CDict *to;
    ZSTD_DDict *from;
    uint8_t *frame; /* a block with its magic again */
    size_t frame_capacity;
    uint8_t *text; /* of a block that was split */
    size_t text_capacity;
};

void page_codec_free(struct page_codec *codec)
{
    if (codec == NULL) {
        return;
    }
    ZSTD_freeCCtx(codec->compressor);
    ZSTD_freeDCtx(codec->expander);
    ZSTD_freeCDict(codec->to);
    ZSTD_freeDDict(codec->from);
    free(codec->frame);
    free(codec->text);
    free(codec);
}

static bool codec_init(struct page_codec *codec, struct str dictionary, int level)
{
    codec->compressor = ZSTD_createCCtx();
    codec->expander = ZSTD_createDCtx();
    codec->to = ZSTD_createCDict(dictionary.data, dictionary.len, level);
    codec->from = ZSTD_createDDict(dictionary.data, dictionary.len);
    if (codec->compressor == NULL || codec->expander == NULL || codec->to == NULL ||
        codec->from == NULL) {
        return false;
    }
    /* What zstd would tell of itself in each block is in the page already. */
    return !ZSTD_isError(ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_contentSizeFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(codec->compressor, ZSTD_c_dictIDFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_refCDict(codec->compressor, codec->to)) &&
           !ZSTD_isError(ZSTD_DCtx_refDDict(codec->expander, codec->from));
}

enum status page_codec_new(struct str dictionary, int level, struct page_codec **out_codec)
{
    struct page_codec *codec = calloc(1, sizeof *codec);
    if (codec == NULL || !codec_init(codec, dictionary, level)) {
        page_codec_free(codec);
        return STATUS_NO_MEMORY;
    }
    *out_codec = codec;
    return STATUS_OK;
}

static void put_plain(const struct page_row *row, char *into)
{
    struct str metadata = row->activity->metadata;
    if (row->piece == NULL) {
        memcpy(into, metadata.data, metadata.len);
        return;
    }
    bool joined = metadata_piece_join(row->piece, into, metadata.len);
    ASSERT(joined); /* it was cut to this length */
}

static bool gather_metadata(const struct page_row *rows, size_t count, struct arena *scratch,
                            struct str *out_plain)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += rows[i].activity->metadata.len;
    }
    char *plain = arena_allocate(scratch, 1 + bytes);
    if (plain == NULL) {
        return false;
    }
    plain[0] = BLOCK_PLAIN;
    char *at = plain + 1;
    for (size_t i = 0; i < count; i++) {
        put_plain(&rows[i], at);
        at += rows[i].activity->metadata.len;
    }
    *out_plain = (struct str){.data = plain, .len = 1 + bytes};
    return true;
}

/* What stands in front of a compressed text that was split. */
static size_t put_split_header(const struct metadata_split *split, uint8_t *out)
{
    uint8_t *at = out;
    at += varint_put(at, split->numbers_at);
    at += varint_put(at, split->text.len);
    at += varint_put(at, split->digits.len);
    memcpy(at, split->digits.data, split->digits.len);
    return (size_t)(at - out) + split->digits.len;
}

enum { SPLIT_HEADER_BYTES = 3 * VARINT_BYTES_MAX };

/* The block with its text compressed; empty when compressing fails. NO_MEMORY. */
static enum status compress_block(struct page_codec *codec, const struct metadata_split *split,
                                  bool is_split, struct arena *scratch, struct str *out_block)
{
    size_t bound = ZSTD_compressBound(split->text.len);
    size_t before = 1 + (is_split ? SPLIT_HEADER_BYTES + split->digits.len : 0);
    char *block = arena_allocate(scratch, before + bound);
    if (block == NULL) {
        return STATUS_NO_MEMORY;
    }
    block[0] = is_split ? BLOCK_SPLIT_ZSTD : BLOCK_ZSTD;
    size_t head = 1 + (is_split ? put_split_header(split, (uint8_t *)block + 1) : 0);
    size_t len =
        ZSTD_compress2(codec->compressor, block + head, bound, split->text.data, split->text.len);
    if (ZSTD_isError(len)) {
        return STATUS_NO_MEMORY;
    }
    *out_block = (struct str){0};
    if (memcmp(block + head, frame_magic, sizeof frame_magic) == 0) {
        len -= sizeof frame_magic;
        memmove(block + head, block + head + sizeof frame_magic, len);
        *out_block = (struct str){.data = block, .len = head + len};
    }
    return STATUS_OK;
}

static enum status encode_plain(struct page_codec *codec, const struct page_row *rows, size_t count,
                                struct arena *scratch, struct str *out_block)
{
    struct str plain;
    if (!gather_metadata(rows, count, scratch, &plain)) {
        return STATUS_NO_MEMORY;
    }
    *out_block = plain;
    if (codec == NULL) {
        return STATUS_OK;
    }
    struct metadata_split split;
    bool is_split = metadata_split((struct str){plain.data + 1, plain.len - 1}, scratch, &split);
    if (!is_split && split.text.data == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct str packed;
    enum status status = compress_block(codec, &split, is_split, scratch, &packed);
    if (status == STATUS_OK && packed.len > 0 && packed.len < plain.len) {
        *out_block = packed;
    }
    return status;
}

/* How many bytes the pieces of rows take together, and their plain text. */
struct piece_lengths {
    size_t text;
    size_t numbers;
    size_t digits;
    size_t plain;
};

/* False: not every row has a piece. */
static bool add_lengths(const struct page_row *rows, size_t count, struct piece_lengths *lengths)
{
    for (size_t i = 0; i < count; i++) {
        const struct metadata_piece *piece = rows[i].piece;
        if (piece == NULL) {
            return false;
        }
        lengths->text += piece->text.len;
        lengths->numbers += piece->numbers.len;
        lengths->digits += piece->digits.len;
        lengths->plain += rows[i].activity->metadata.len;
    }
    return true;
}

static char *put(char *at, struct str text)
{
    memcpy(at, text.data, text.len);
    return at + text.len;
}

/* As if their plain text had been split as a whole. */
static bool put_together(const struct page_row *rows, size_t count,
                         const struct piece_lengths *lengths, struct arena *scratch,
                         struct metadata_split *out_split)
{
    char *text = arena_allocate(scratch, lengths->text + lengths->numbers + 1);
    char *digits = arena_allocate(scratch, lengths->digits + 1);
    if (text == NULL || digits == NULL) {
        return false;
    }
    *out_split = (struct metadata_split){.text = {text, lengths->text + lengths->numbers},
                                         .numbers_at = lengths->text,
                                         .digits = {digits, lengths->digits}};
    char *numbers = text + lengths->text;
    for (size_t i = 0; i < count; i++) {
        text = put(text, rows[i].piece->text);
        numbers = put(numbers, rows[i].piece->numbers);
        digits = put(digits, rows[i].piece->digits);
    }
    return true;
}

enum status page_block_encode(struct page_codec *codec, const struct page_row *rows, size_t count,
                              struct arena *scratch, struct str *out_block)
{
    struct piece_lengths lengths = {0};
    struct metadata_split split;
    struct str packed;
    if (codec == NULL || !add_lengths(rows, count, &lengths)) {
        return encode_plain(codec, rows, count, scratch, out_block);
    }
    if (!put_together(rows, count, &lengths, scratch, &split)) {
        return STATUS_NO_MEMORY;
    }
    enum status status = compress_block(codec, &split, true, scratch, &packed);
    if (status != STATUS_OK) {
        return status;
    }
    if (packed.len == 0 || packed.len >= 1 + lengths.plain) {
        return encode_plain(codec, rows, count, scratch, out_block);
    }
    *out_block = packed;
    return STATUS_OK;
}

static bool make_room(uint8_t **bytes, size_t *capacity, size_t len)
{
    if (len <= *capacity) {
        return true;
    }
    uint8_t *grown = realloc(*bytes, len);
    if (grown == NULL) {
        return false;
    }
    *bytes = grown;
    *capacity = len;
    return true;
}

static enum status expand(struct page_codec *codec, struct str packed, char *into,
                          size_t block_bytes)
{
    size_t len = sizeof frame_magic + packed.len;
    if (packed.data == NULL) {
        return STATUS_CORRUPT;
    }
    if (!make_room(&codec->frame, &codec->frame_capacity, len)) {
        return STATUS_NO_MEMORY;
    }
    memcpy(codec->frame, frame_magic, sizeof frame_magic);
    memcpy(codec->frame + sizeof frame_magic, packed.data, packed.len);
    size_t expanded = ZSTD_decompressDCtx(codec->expander, into, block_bytes, codec->frame, len);
    return ZSTD_isError(expanded) || expanded != block_bytes ? STATUS_CORRUPT : STATUS_OK;
}

/* What a block that was split holds, its text in the codec. */
static enum status expand_split(struct page_codec *codec, struct str block, size_t block_bytes,
                                struct metadata_split *out_split)
{
    struct reading reading = reading_of((const uint8_t *)block.data, block.len);
    struct metadata_split split = {.numbers_at = (size_t)reading_below(&reading, block_bytes)};
    size_t text_bytes = (size_t)reading_below(&reading, 2 * (uint64_t)block_bytes);
    split.digits = reading_text(&reading, reading_below(&reading, block_bytes));
    if (reading.failed || split.numbers_at > text_bytes) {
        return STATUS_CORRUPT;
    }
    if (!make_room(&codec->text, &codec->text_capacity, text_bytes + 1)) {
        return STATUS_NO_MEMORY;
    }
    split.text = (struct str){(const char *)codec->text, text_bytes};
    struct str packed = {(const char *)reading.at, reading_left(&reading)};
    enum status status = expand(codec, packed, (char *)codec->text, text_bytes);
    if (status == STATUS_OK) {
        *out_split = split;
    }
    return status;
}

static enum status expand_and_join(struct page_codec *codec, struct str block, char *into,
                                   size_t block_bytes)
{
    struct metadata_split split;
    enum status status = expand_split(codec, block, block_bytes, &split);
    if (status != STATUS_OK) {
        return status;
    }
    return metadata_join(&split, into, block_bytes) ? STATUS_OK : STATUS_CORRUPT;
}

/* Gives words to what came of a block. */
static enum status tell(enum status status, struct error *err)
{
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    if (status == STATUS_NO_MEMORY) {
        return error_set(err, status, 0, "there is no memory to expand metadata");
    }
    return error_set(err, STATUS_CORRUPT, 0, "a block of metadata is not what its page says");
}

static enum status cut(const struct metadata_split *split, struct page_pieces *pieces)
{
    struct metadata_cutting cutting;
    metadata_cutting_begin(&cutting, split);
    for (size_t i = 0; i < pieces->count; i++) {
        uint32_t from = i == 0 ? 0 : pieces->ends[i - 1];
        if (!metadata_cutting_next(&cutting, pieces->ends[i] - from, &pieces->items[i])) {
            return STATUS_CORRUPT;
        }
    }
    return metadata_cutting_is_complete(&cutting) ? STATUS_OK : STATUS_CORRUPT;
}

enum status page_block_cut(struct page_codec *codec, struct str block, struct page_pieces *pieces,
                           struct error *err)
{
    struct metadata_split split;
    pieces->apart = codec != NULL && block.len >= 1 && block.data[0] == BLOCK_SPLIT_ZSTD;
    if (!pieces->apart) {
        return STATUS_OK;
    }
    struct str rest = {block.data + 1, block.len - 1};
    enum status status = expand_split(codec, rest, pieces->ends[pieces->count - 1], &split);
    return tell(status == STATUS_OK ? cut(&split, pieces) : status, err);
}

enum status page_block_expand(struct page_codec *codec, struct str block, char *into,
                              size_t block_bytes, struct error *err)
{
    enum status status = STATUS_CORRUPT;
    if (block.len >= 1) {
        struct str rest = {block.data + 1, block.len - 1};
        if (block.data[0] == BLOCK_PLAIN && rest.len == block_bytes) {
            memcpy(into, rest.data, rest.len);
            status = STATUS_OK;
        } else if (block.data[0] == BLOCK_ZSTD && codec != NULL) {
            status = expand(codec, rest, into, block_bytes);
        } else if (block.data[0] == BLOCK_SPLIT_ZSTD && codec != NULL) {
            status = expand_and_join(codec, rest, into, block_bytes);
        }
    }
    return tell(status, err);
}
