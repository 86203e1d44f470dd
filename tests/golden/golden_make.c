/*
 * Writes the golden files that are not there yet, and small files for the corpora of the fuzz
 * targets that read such files, with today's code. tests/golden/README.md says when.
 */
#include "base/assert.h"
#include "golden.h"
#include "infrastructure/activity_store_local/part_sample.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/segment_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_ROWS = 400, COMMIT_ROWS = 7, TRACED_ROWS = 12, FILE_BYTES_MAX = 4 << 20 };

#define DICTIONARY                                                                                 \
    STR("{\"path\":\"/products/\",\"sessionId\":\"\",\"note\":\"00000000000000000000\"}")

static void write_file(const char *path, const void *front, size_t front_len,
                       const struct buffer *bytes)
{
    FILE *file = fopen(path, "we");
    bool fine = file != NULL && fwrite(front, 1, front_len, file) == front_len &&
                fwrite(bytes->data, 1, bytes->len, file) == bytes->len && fclose(file) == 0;
    if (!fine) {
        perror(path);
        exit(1);
    }
}

/* One that is there was committed, and stays. */
static void write_golden(const char *path, const struct buffer *bytes)
{
    if (access(path, F_OK) != 0) {
        write_file(path, "", 0, bytes);
    }
}

/* With the byte in front that tells a fuzz target to repair checksums, or not to. */
static void write_corpus(const char *corpus, const char *name, const struct buffer *bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", corpus, name);
    write_file(path, "\x01", 1, bytes);
}

static void write_as_it_is(const char *corpus, const char *name, const struct buffer *bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s-as-it-is", corpus, name);
    write_file(path, "\x00", 1, bytes);
}

/* Takes the file that was written to the working directory. */
static void take_file(const char *path, struct buffer *out_bytes)
{
    size_t len;
    char *bytes = golden_read(path, &len);
    ASSERT(bytes != NULL);
    buffer_init(out_bytes, FILE_BYTES_MAX);
    buffer_append(out_bytes, bytes, len);
    ASSERT(out_bytes->failed == STATUS_OK);
    free(bytes);
    unlink(path);
}

static void require(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

/* Parts ------------------------------------------------------------------------------------- */

static void make_part(struct sample *sample, struct str dictionary, struct buffer *out_bytes)
{
    struct error err = {0};
    unlink(SAMPLE_PATH);
    require(sample_write(sample, disk_posix(), dictionary, &err), &err);
    take_file(SAMPLE_PATH, out_bytes);
}

static void make_golden_part(void)
{
    struct sample sample;
    struct buffer bytes;
    struct buffer lines;
    sample_init(&sample, 1, PART_ROWS);
    buffer_init(&lines, FILE_BYTES_MAX);
    for (uint32_t i = 0; i < sample.row_count; i++) {
        const struct sample_row *made = &sample.rows[i];
        const struct part_row row = {.activity = made->activity,
                                     .source = made->source,
                                     .offset = made->offset,
                                     .salt = made->salt};
        golden_append_row(&lines, &row);
    }
    make_part(&sample, DICTIONARY, &bytes);
    write_golden(GOLDEN_SALTED, &bytes);
    write_golden(GOLDEN_SALTED_ROWS, &lines);
    buffer_deinit(&bytes);
    buffer_deinit(&lines);
    sample_deinit(&sample);
}

/* A row's metadata is left out where many rows are to be few bytes. */
static void make_part_corpus(const char *corpus, const char *name, uint32_t rows, bool slim)
{
    struct sample sample;
    struct buffer bytes;
    sample_init(&sample, 2, rows);
    for (uint32_t i = 0; slim && i < rows; i++) {
        sample.rows[i].activity.metadata = STR("{}");
    }
    make_part(&sample, slim ? STR("") : DICTIONARY, &bytes);
    write_corpus(corpus, name, &bytes);
    if (!slim) {
        write_as_it_is(corpus, name, &bytes);
    }
    buffer_deinit(&bytes);
    sample_deinit(&sample);
}

/* A run of the part without its CRC, behind the byte that names the kind of piece. */
static void write_piece(const char *corpus, const char *name, char kind, const struct buffer *part,
                        struct run_place place)
{
    char path[512];
    struct buffer piece;
    buffer_init(&piece, FILE_BYTES_MAX);
    buffer_append(&piece, part->data + place.offset, (size_t)place.length - RUN_CRC_BYTES);
    ASSERT(piece.failed == STATUS_OK);
    snprintf(path, sizeof path, "%s/%s", corpus, name);
    write_file(path, &kind, 1, &piece);
    buffer_deinit(&piece);
}

/* Where each piece stands is asked of the part itself. */
static void write_pieces(const char *corpus, const struct part *part, struct part_view *view,
                         const struct buffer *bytes)
{
    const struct part_footer *footer = part_footer(part);
    const struct part_directory *directory = part_directory(part);
    const struct part_page *page = &directory->pages[directory->page_count - 1];
    struct part_user user;
    struct part_list list;
    struct error err = {0};
    struct part_trailer trailer;
    const uint8_t *end = (const uint8_t *)bytes->data + bytes->len - PART_TRAILER_BYTES;
    uint32_t seed = run_seed(sample_name.store_id, sample_name.number);
    require(part_trailer_decode(end, seed, &trailer, &err), &err);
    require(part_view_find_user(view, STR("user-0"), &user, &err), &err);
    require(part_view_list_open(view, &user, &list, &err), &err);
    write_piece(corpus, "page", 0, bytes,
                (struct run_place){page->place.offset, page->place.columns_length});
    write_piece(corpus, "footer", 1, bytes, trailer.footer);
    write_piece(corpus, "directory", 2, bytes, footer->directory);
    write_piece(corpus, "users", 3, bytes, directory->names[0].place);
    write_piece(corpus, "index", 4, bytes, user.found.index);
    write_piece(corpus, "chunk", 5, bytes, list.chunks[0].place);
    part_list_deinit(&list);
}

/* Of a part of three pages, of which the last one is small. */
static void make_pieces(const char *corpus)
{
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct sample sample;
    struct buffer bytes;
    struct error err = {0};
    sample_init(&sample, 5, 2 * PAGE_ROWS + 40);
    require(sample_write(&sample, disk_posix(), STR(""), &err), &err);
    require(part_open(disk_posix(), SAMPLE_PATH, &sample_name, &part, &err), &err);
    require(part_view_new(part, &view, &err), &err);
    take_file(SAMPLE_PATH, &bytes);
    write_pieces(corpus, part, view, &bytes);
    buffer_deinit(&bytes);
    sample_deinit(&sample);
}

/* Manifests --------------------------------------------------------------------------------- */

static void make_manifest(const struct manifest *manifest, struct buffer *out_bytes)
{
    bool unknown;
    struct error err = {0};
    require(manifest_save(disk_posix(), ".", manifest, &unknown, &err), &err);
    take_file("manifest", out_bytes);
}

static void make_manifests(const char *corpus)
{
    struct manifest manifest;
    struct buffer bytes;
    golden_manifest_3(&manifest);
    make_manifest(&manifest, &bytes);
    write_golden(GOLDEN_MANIFEST_3, &bytes);
    write_corpus(corpus, "full", &bytes);
    write_as_it_is(corpus, "full", &bytes);
    buffer_deinit(&bytes);
    manifest_deinit(&manifest);
    manifest_init(&manifest, golden_log_id);
    make_manifest(&manifest, &bytes);
    write_corpus(corpus, "new", &bytes);
    buffer_deinit(&bytes);
    manifest_deinit(&manifest);
}

/* Chains ------------------------------------------------------------------------------------ */

static const struct part_source sources[] = {
    {.log_id = {{7, 1}}, .partition = 0, .begin = 100, .end = 250},
    {.log_id = {{7, 1}}, .partition = INT32_MAX, .begin = 5, .end = INT64_MAX},
    {.log_id = {{8, 2}}, .partition = 3, .begin = 0, .end = 0},
};

static const struct placed_leaf leaves[] = {
    {.log_id = {{7, 1}}, .partition = 0, .offset = 249, .hash = {0x1e, 0xaf, 1}},
    {.log_id = {{7, 1}}, .partition = INT32_MAX, .offset = INT64_MAX - 1, .hash = {0x1e, 0xaf, 2}},
};

static const struct chain_seal_range ranges[] = {{1, 1}, {3, 4}};

static const struct chain_record records[] = {
    {.kind = CHAIN_SEAL, .seal = {1, 1768435085442, 150, {0x5e, 0xa1, 1}, sources, 1}},
    {.kind = CHAIN_ERASURE, .erasure = {1, 1768435090000, 2, {0x5a, 0x17}, {0xc3, 0xc4}}},
    {.kind = CHAIN_SEAL, .seal = {2, 1768435090001, UINT64_MAX, {0x5e, 0xa1, 2}, sources, 3}},
    {.kind = CHAIN_LEFT_OUT, .left_out = {leaves, 2}},
    {.kind = CHAIN_SEAL, .seal = {3, 1768435090002, 0, {0x5e, 0xa1, 3}, sources, 0}},
    {.kind = CHAIN_SEAL, .seal = {4, 1768435090003, 7, {0x5e, 0xa1, 4}, sources + 1, 2}},
    {.kind = CHAIN_EXPIRY, .expiry = {1768435099999, 157, ranges, 2}},
    {.kind = CHAIN_ERASURE, .erasure = {UINT64_MAX, -1, 0, {0x5b}, {0xc5}}},
};

static void make_chain(struct buffer *out_bytes, struct buffer *out_lines)
{
    uint8_t header[CHAIN_HEADER_BYTES];
    struct sha256 sha256;
    struct chain_end end;
    struct error err = {.message = "there is no memory for a chain"};
    buffer_init(out_bytes, FILE_BYTES_MAX);
    buffer_init(out_lines, FILE_BYTES_MAX);
    require(sha256_init(&sha256), &err);
    require(chain_start(&sha256, golden_store_id, &end), &err);
    chain_header_encode(golden_store_id, header);
    buffer_append(out_bytes, header, sizeof header);
    for (size_t i = 0; i < ARRAY_LENGTH(records); i++) {
        require(chain_record_encode(&sha256, &records[i], &end, out_bytes, &end), &err);
        golden_append_record(out_lines, &records[i], &end);
    }
    sha256_deinit(&sha256);
}

static void make_chains(const char *corpus)
{
    struct buffer bytes;
    struct buffer lines;
    make_chain(&bytes, &lines);
    write_golden(GOLDEN_CHAIN, &bytes);
    write_golden(GOLDEN_CHAIN_RECORDS, &lines);
    write_corpus(corpus, "all-kinds", &bytes);
    write_as_it_is(corpus, "all-kinds", &bytes);
    buffer_deinit(&bytes);
    buffer_deinit(&lines);
}

/* Segments ---------------------------------------------------------------------------------- */

/* A commit of some rows; none is a seal. */
static void append_commit(struct buffer *segment, const struct sample_row *rows, uint32_t count,
                          int64_t offset)
{
    uint8_t header_bytes[COMMIT_HEADER_BYTES] = {0};
    struct commit_header header = {.log_id = golden_log_id,
                                   .sequence = 1 + (uint64_t)offset,
                                   .first_offset = offset,
                                   .count = count,
                                   .written_at_ms = 1700000000000 + offset};
    size_t header_at = segment->len;
    buffer_append(segment, header_bytes, sizeof header_bytes);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = frame_length(&rows[i].activity);
        uint8_t *frame = calloc(1, length);
        ASSERT(frame != NULL);
        frame_encode(frame, length, &rows[i].activity, frame_seed(golden_log_id));
        frame_stamp(frame, offset + i, &header.digest);
        buffer_append(segment, frame, length);
        header.body_bytes += (uint32_t)length;
        free(frame);
    }
    ASSERT(segment->failed == STATUS_OK);
    commit_header_encode(&header, header_bytes);
    memcpy(segment->data + header_at, header_bytes, sizeof header_bytes);
}

static void make_segment(struct sample *sample, struct buffer *out_segment)
{
    buffer_init(out_segment, FILE_BYTES_MAX);
    for (uint32_t i = 0; i < sample->row_count; i += COMMIT_ROWS) {
        uint32_t left = sample->row_count - i;
        append_commit(out_segment, &sample->rows[i], left < COMMIT_ROWS ? left : COMMIT_ROWS, i);
    }
    append_commit(out_segment, NULL, 0, sample->row_count);
}

#define TRACE     TRACE_IDS "congo=t61rcWkgMzE,rojo=1"
#define TRACE_IDS "S_kvNXezTaajzpKdDg5HNgDwZ6oLqQK3AQ"

/* Every other row gets a trace, every fourth one with a state. */
static void trace_rows(struct sample *sample)
{
    for (uint32_t i = 0; i < sample->row_count; i += 2) {
        sample->rows[i].activity.trace = i % 4 == 0 ? STR(TRACE_IDS) : STR(TRACE);
    }
}

static void make_traced_segment(const char *corpus)
{
    struct sample sample;
    struct buffer segment;
    struct buffer lines;
    sample_init(&sample, 5, TRACED_ROWS);
    trace_rows(&sample);
    make_segment(&sample, &segment);
    buffer_init(&lines, FILE_BYTES_MAX);
    for (uint32_t i = 0; i < sample.row_count; i++) {
        const struct part_row row = {.activity = sample.rows[i].activity, .offset = i};
        golden_append_row(&lines, &row);
    }
    write_golden(GOLDEN_TRACED, &segment);
    write_golden(GOLDEN_TRACED_ROWS, &lines);
    write_corpus(corpus, "traced", &segment);
    write_as_it_is(corpus, "traced", &segment);
    buffer_deinit(&lines);
    buffer_deinit(&segment);
    sample_deinit(&sample);
}

static void make_segment_corpus(const char *corpus)
{
    struct sample sample;
    struct buffer segment;
    sample_init(&sample, 4, 9);
    for (uint32_t i = 0; i < sample.row_count; i++) {
        sample.rows[i].activity.metadata = STR("{}");
    }
    make_segment(&sample, &segment);
    write_corpus(corpus, "sealed", &segment);
    write_as_it_is(corpus, "sealed", &segment);
    segment.len -= COMMIT_HEADER_BYTES + 20; /* within the last frame */
    write_corpus(corpus, "torn", &segment);
    buffer_deinit(&segment);
    sample_deinit(&sample);
}

static void make_folder(const char *corpus, const char *target, char out_path[256])
{
    snprintf(out_path, 256, "%s/%s", corpus, target);
    mkdir(out_path, 0777);
}

int main(int argc, char **argv)
{
    char corpus[256];
    char *corpora = argc == 3 ? realpath(argv[2], NULL) : NULL;
    if (corpora == NULL || chdir(argv[1]) != 0) {
        fprintf(stderr, "usage: golden_make GOLDEN-FOLDER CORPUS-FOLDER\n");
        return 2;
    }
    make_golden_part();
    make_folder(corpora, "manifest_fuzz", corpus);
    make_manifests(corpus);
    make_folder(corpora, "chain_fuzz", corpus);
    make_chains(corpus);
    make_folder(corpora, "segment_fuzz", corpus);
    make_segment_corpus(corpus);
    make_traced_segment(corpus);
    make_folder(corpora, "part_fuzz", corpus);
    make_part_corpus(corpus, "row", 1, false);
    make_part_corpus(corpus, "page", 20, false);
    make_part_corpus(corpus, "pages", 330, true);
    make_folder(corpora, "part_pieces_fuzz", corpus);
    make_pieces(corpus);
    free(corpora);
    return 0;
}
