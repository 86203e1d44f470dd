#include "application/import_activities.h"

#include "base/assert.h"
#include "base/json_text.h"
#include "base/uuid.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_LABEL "usertrail import key\n"

enum { COLLECT_WAIT_MS = 100, PROBLEM_BYTES_MAX = 64 * 1024 };

struct import {
    const struct import_config *config;
    struct import_progress *progress; /* of what was settled */
    struct import_target_state target;
    struct import_lines lines;
    struct activity_json_reader reader;
    struct buffer problem;
    struct import_batch batches[IMPORT_BATCHES_MAX]; /* a ring in the order of lines */
    size_t first;                                    /* the oldest that is not settled */
    size_t count;
    bool ended; /* nothing more is read */
    bool complete;
};

/* Ids --------------------------------------------------------------------------------------- */

enum status import_name_key(const struct content_hash *hash, struct str text,
                            struct import_progress *progress)
{
    const struct str parts[] = {STR(KEY_LABEL), text};
    enum status status = hash->hash(hash->context, parts, ARRAY_LENGTH(parts), progress->key);
    progress->has_key = status == STATUS_OK;
    return status;
}

static enum status derive_id(const struct import *import, const struct import_line *line,
                             struct uuid *out_id)
{
    uint64_t number = htole64(line->number);
    const struct str parts[] = {
        {(const char *)import->progress->key, IMPORT_HASH_BYTES},
        {(const char *)&number, sizeof number},
        line->text,
    };
    uint8_t hash[IMPORT_HASH_BYTES];
    const struct content_hash *with = import->config->hash;
    enum status status = with->hash(with->context, parts, ARRAY_LENGTH(parts), hash);
    if (status == STATUS_OK) {
        *out_id = uuid_from_hash(hash);
    }
    return status;
}

static bool give_id(const struct import *import, const struct import_line *line,
                    struct arena *arena, struct import_row *row)
{
    struct uuid id;
    char *text = arena_allocate(arena, UUID_TEXT_BYTES);
    if (text == NULL || derive_id(import, line, &id) != STATUS_OK) {
        return false;
    }
    uuid_format(id, text);
    row->draft.activity.id = (struct str){.data = text, .len = UUID_TEXT_BYTES};
    row->id_is_ours = true;
    return true;
}

/* Lines ------------------------------------------------------------------------------------- */

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a batch of activities");
}

/* The problem of a rejection in the form of a fault; the first of its faults in one sentence. */
static void write_problem(struct buffer *json, const struct rejection *rejection)
{
    buffer_clear(json);
    buffer_append_literal(json, "{\"detail\":");
    const struct rejection_fault *first = &rejection->faults[0];
    const char *pointer = first->pointer[0] == '/' ? first->pointer + 1 : first->pointer;
    char words[REJECTION_POINTER_BYTES + REJECTION_DETAIL_BYTES + 2];
    snprintf(words, sizeof words, "%s%s%s", pointer, pointer[0] == '\0' ? "" : ": ", first->detail);
    json_text_append_string(json, str_from(words));
    buffer_append_literal(json, ",\"errors\":[");
    for (size_t i = 0; i < rejection->count; i++) {
        buffer_append_str(json, i == 0 ? STR("{\"pointer\":") : STR(",{\"pointer\":"));
        json_text_append_string(json, str_from(rejection->faults[i].pointer));
        buffer_append_literal(json, ",\"detail\":");
        json_text_append_string(json, str_from(rejection->faults[i].detail));
        buffer_append_char(json, '}');
    }
    buffer_append_literal(json, "]}");
}

static enum status refuse_line(struct import *import, struct import_batch *batch,
                               const struct import_line *line, const struct rejection *rejection,
                               struct error *err)
{
    write_problem(&import->problem, rejection);
    const struct import_fault fault = {line->number, line->text, buffer_str(&import->problem)};
    bool kept = import->problem.failed == STATUS_OK && import_batch_refuse(batch, &fault);
    return kept ? STATUS_OK : no_memory(err);
}

/* The parser writes into what it reads, so it gets a copy. */
static enum status read_draft(struct import *import, struct import_batch *batch, struct str text,
                              struct activity_draft *out_draft, struct rejection *rejection)
{
    char *copy = arena_allocate(&batch->arena, text.len + ACTIVITY_JSON_PADDING_BYTES);
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, text.data, text.len);
    memset(copy + text.len, 0, ACTIVITY_JSON_PADDING_BYTES);
    const struct activity_json_text json = {
        .data = copy,
        .len = text.len,
        .now_ms = clock_wall_ms(import->config->clock),
        .arena = &batch->arena,
    };
    return activity_json_read(&import->reader, &json, out_draft, rejection);
}

static enum status add_row(struct import *import, struct import_batch *batch,
                           const struct import_line *line, struct rejection *rejection)
{
    struct import_row *row = &batch->rows[batch->row_count];
    *row = (struct import_row){.line = line->number};
    enum status status = read_draft(import, batch, line->text, &row->draft, rejection);
    if (status != STATUS_OK) {
        return status;
    }
    row->text = arena_copy_str(&batch->arena, line->text);
    if (row->text.data == NULL ||
        (row->draft.activity.id.data == NULL && !give_id(import, line, &batch->arena, row))) {
        return STATUS_NO_MEMORY;
    }
    batch->row_count++;
    return STATUS_OK;
}

static enum status add_line(struct import *import, struct import_batch *batch,
                            const struct import_line *line, struct error *err)
{
    struct rejection rejection;
    rejection_init(&rejection);
    if (!import->progress->has_key) {
        struct str first = line->text;
        first.len = first.len < IMPORT_SHOWN_BYTES_MAX ? first.len : IMPORT_SHOWN_BYTES_MAX;
        if (import_name_key(import->config->hash, first, import->progress) != STATUS_OK) {
            return no_memory(err);
        }
    }
    batch->bytes += line->text.len;
    if (line->too_long) {
        rejection_add(&rejection, "", "a line may have at most %zu bytes, this one has %llu",
                      import->target.line_bytes_max, (unsigned long long)line->bytes);
        return refuse_line(import, batch, line, &rejection, err);
    }
    enum status status = add_row(import, batch, line, &rejection);
    if (status == STATUS_INVALID || status == STATUS_TOO_LARGE) {
        return refuse_line(import, batch, line, &rejection, err);
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

/* Batches ----------------------------------------------------------------------------------- */

static bool is_full(const struct import_batch *batch)
{
    return batch->row_count + batch->fault_count == IMPORT_ROWS_MAX ||
           batch->bytes >= IMPORT_BATCH_BYTES;
}

static void empty(struct import_batch *batch)
{
    arena_reset(&batch->arena);
    batch->row_count = batch->fault_count = batch->refused_rows = batch->bytes = 0;
    batch->submitted = batch->finished = false;
}

/* Reads until the batch is full or there is nothing more to read now. */
static enum status fill(struct import *import, struct import_batch *batch, struct error *err)
{
    enum status status = STATUS_OK;
    empty(batch);
    while (status == STATUS_OK && !is_full(batch)) {
        struct import_line line;
        status = import_lines_next(&import->lines, &line, err);
        if (status == STATUS_OK) {
            status = add_line(import, batch, &line, err);
        }
    }
    batch->end_offset = import->lines.offset;
    batch->end_line = import->lines.number;
    if (status == STATUS_NOT_FOUND) {
        import->ended = import->complete = true;
        return STATUS_OK;
    }
    return status == STATUS_BUSY ? STATUS_OK : status;
}

/* The next batch, on its way. One of nothing but refused lines is through at once. */
static enum status send_batch(struct import *import, struct error *err)
{
    size_t index = (import->first + import->count) % IMPORT_BATCHES_MAX;
    struct import_batch *batch = &import->batches[index];
    enum status status = fill(import, batch, err);
    if (status != STATUS_OK || batch->row_count + batch->fault_count == 0) {
        return status;
    }
    import->count++;
    if (batch->row_count == 0) {
        batch->finished = true;
        return STATUS_OK;
    }
    return import_target_submit(import->config->target, batch, err);
}

static int compare_lines(const void *a, const void *b)
{
    uint64_t left = ((const struct import_fault *)a)->line;
    uint64_t right = ((const struct import_fault *)b)->line;
    return (left > right) - (left < right);
}

/* Tells of the batch, which is the oldest. */
static enum status settle_one(struct import *import, const struct import_batch *batch,
                              struct error *err)
{
    struct import_listener *listener = import->config->listener;
    enum status status = STATUS_OK;
    qsort(batch->faults, batch->fault_count, sizeof *batch->faults, compare_lines);
    for (size_t i = 0; status == STATUS_OK && i < batch->fault_count; i++) {
        status = listener->refused(listener, &batch->faults[i], err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct import_progress *progress = import->progress;
    progress->offset = batch->end_offset;
    progress->line = batch->end_line;
    progress->imported += batch->row_count - batch->refused_rows;
    progress->refused += batch->fault_count;
    return listener->acknowledged(listener, progress, err);
}

static enum status settle(struct import *import, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && import->count > 0 && import->batches[import->first].finished) {
        status = settle_one(import, &import->batches[import->first], err);
        import->first = (import->first + 1) % IMPORT_BATCHES_MAX;
        import->count--;
    }
    return status;
}

static enum status collect(struct import *import, unsigned wait_ms, struct error *err)
{
    struct import_batch *batch = NULL;
    enum status status;
    do {
        status = import_target_collect(import->config->target, wait_ms, &batch, err);
        if (status == STATUS_OK && batch != NULL) {
            batch->finished = true;
            wait_ms = 0;
        }
    } while (status == STATUS_OK && batch != NULL);
    return status;
}

/* One turn: sends a batch if one may be sent, takes back what is through. */
static enum status turn(struct import *import, struct error *err)
{
    enum import_wish wish = import->config->listener->wish(import->config->listener);
    import->ended = import->ended || wish != IMPORT_GO_ON;
    if (wish == IMPORT_STOP_NOW) {
        import->count = 0;
        import->complete = false;
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    bool may_send = !import->ended && import->count < import->target.batches_max;
    if (may_send) {
        status = send_batch(import, err);
    }
    if (status == STATUS_OK) {
        bool wait = !may_send && import->count > 0 && !import->batches[import->first].finished;
        status = collect(import, wait ? COLLECT_WAIT_MS : 0, err);
    }
    if (status == STATUS_OK) {
        return settle(import, err);
    }
    struct error ignored; /* the first failure counts; what came back before it is durable */
    (void)settle(import, &ignored);
    return status;
}

/* Life -------------------------------------------------------------------------------------- */

static enum status make_batches(struct import *import)
{
    bool made = true;
    for (size_t i = 0; i < IMPORT_BATCHES_MAX; i++) {
        struct import_batch *batch = &import->batches[i];
        arena_init(&batch->arena, IMPORT_ARENA_BYTES_MAX);
        batch->rows = malloc(IMPORT_ROWS_MAX * sizeof *batch->rows);
        batch->faults = malloc(IMPORT_ROWS_MAX * sizeof *batch->faults);
        made = made && batch->rows != NULL && batch->faults != NULL;
    }
    return made ? STATUS_OK : STATUS_NO_MEMORY;
}

static void deinit(struct import *import)
{
    for (size_t i = 0; i < IMPORT_BATCHES_MAX; i++) {
        arena_deinit(&import->batches[i].arena);
        free(import->batches[i].rows);
        free(import->batches[i].faults);
    }
    buffer_deinit(&import->problem);
    import_lines_deinit(&import->lines);
    if (import->reader.pool != NULL) {
        activity_json_reader_deinit(&import->reader);
    }
}

static enum status init(struct import *import, struct error *err)
{
    import_target_describe(import->config->target, &import->target);
    buffer_init(&import->problem, PROBLEM_BYTES_MAX);
    enum status status = make_batches(import);
    if (status == STATUS_OK) {
        status = import_lines_init(&import->lines, import->config->source,
                                   import->target.line_bytes_max);
    }
    if (status == STATUS_OK) {
        status = activity_json_reader_init(&import->reader, import->target.rules,
                                           import->target.line_bytes_max);
    }
    if (status != STATUS_OK) {
        return no_memory(err);
    }
    import_lines_start_at(&import->lines, import->progress->offset, import->progress->line);
    return STATUS_OK;
}

enum status import_run(const struct import_config *config, struct import_progress *progress,
                       bool *out_complete, struct error *err)
{
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        return no_memory(err);
    }
    import->config = config;
    import->progress = progress;
    enum status status = init(import, err);
    while (status == STATUS_OK && (!import->ended || import->count > 0)) {
        status = turn(import, err);
    }
    if (status == STATUS_OK) {
        *out_complete = import->complete && import->count == 0;
    }
    deinit(import);
    free(import);
    return status;
}
