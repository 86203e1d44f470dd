#include "infrastructure/activity_store_local/snapshot_query.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/part_count.h"
#include "infrastructure/activity_store_local/part_exclude.h"
#include "infrastructure/activity_store_local/part_tally.h"
#include "infrastructure/activity_store_local/row_stream.h"

#include <stdlib.h>

/* A merge over heads and parts. The streams that have begun are a heap with the next row of all on
 * top; the others wait behind, sorted by when they can begin to matter. */
struct walk {
    struct row_stream_request request;
    struct row_stream *streams;
    size_t stream_count;
    size_t begun; /* streams[0..begun) in the order of their bounds */
    struct row_stream **heap;
    size_t heap_count;
    bool newest;
};

static bool comes_first(const struct walk *walk, size_t a, size_t b)
{
    int order = activity_key_compare(walk->heap[a]->key, walk->heap[b]->key);
    return walk->newest ? order > 0 : order < 0;
}

static void swap(struct walk *walk, size_t a, size_t b)
{
    struct row_stream *moved = walk->heap[a];
    walk->heap[a] = walk->heap[b];
    walk->heap[b] = moved;
}

static void sift_down(struct walk *walk)
{
    size_t at = 0;
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < walk->heap_count; child++) {
            first = comes_first(walk, child, first) ? child : first;
        }
        if (first == at) {
            return;
        }
        swap(walk, at, first);
        at = first;
    }
}

static void push(struct walk *walk, struct row_stream *stream)
{
    size_t at = walk->heap_count++;
    walk->heap[at] = stream;
    while (at > 0 && comes_first(walk, at, (at - 1) / 2)) {
        swap(walk, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static int compare_newest(const void *a, const void *b)
{
    int64_t left = ((const struct row_stream *)a)->bound_ms;
    int64_t right = ((const struct row_stream *)b)->bound_ms;
    return (left < right) - (left > right);
}

static int compare_oldest(const void *a, const void *b)
{
    return compare_newest(b, a);
}

static bool walk_open(struct walk *walk, const struct snapshot_query *query,
                      const struct activity_page_request *request)
{
    struct snapshot *snapshot = query->snapshot;
    size_t most = snapshot->head_count + snapshot->part_count;
    *walk = (struct walk){
        .request = {.page = request, .clock = query->clock},
        .streams = malloc(most * sizeof *walk->streams),
        .heap = malloc(most * sizeof(struct row_stream *)),
        .newest = request->order == ORDER_NEWEST_FIRST,
    };
    if (walk->streams == NULL || walk->heap == NULL) {
        return false;
    }
    for (size_t i = 0; i < snapshot->head_count; i++) {
        row_stream_init_head(&walk->streams[walk->stream_count++], &walk->request,
                             snapshot->heads[i]);
    }
    for (size_t i = 0; i < snapshot->part_count; i++) {
        walk->stream_count += row_stream_init_part(&walk->streams[walk->stream_count],
                                                   &walk->request, &snapshot->parts[i]);
    }
    qsort(walk->streams, walk->stream_count, sizeof *walk->streams,
          walk->newest ? compare_newest : compare_oldest);
    return true;
}

static void walk_close(struct walk *walk)
{
    for (size_t i = 0; i < walk->stream_count; i++) {
        row_stream_deinit(&walk->streams[i]);
    }
    free(walk->streams);
    free(walk->heap);
}

/* Whether a row of the next stream that waits may come before all that have begun. */
static bool must_begin_another(const struct walk *walk)
{
    if (walk->begun == walk->stream_count || walk->heap_count == 0) {
        return walk->begun < walk->stream_count;
    }
    int64_t bound_ms = walk->streams[walk->begun].bound_ms;
    int64_t next_ms = walk->heap[0]->key.timestamp_ms;
    return walk->newest ? bound_ms >= next_ms : bound_ms <= next_ms;
}

/* Leaves the next row of all on top; NOT_FOUND when there is none. */
static enum status walk_settle(struct walk *walk, struct error *err)
{
    while (must_begin_another(walk)) {
        struct row_stream *stream = &walk->streams[walk->begun++];
        enum status status = row_stream_next(stream, err);
        if (status == STATUS_OK) {
            push(walk, stream);
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return walk->heap_count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Leaves the row on top behind. */
static enum status walk_advance(struct walk *walk, struct error *err)
{
    enum status status = row_stream_next(walk->heap[0], err);
    if (status == STATUS_NOT_FOUND) {
        walk->heap[0] = walk->heap[--walk->heap_count];
        status = STATUS_OK;
    }
    if (status == STATUS_OK && walk->heap_count > 0) {
        sift_down(walk);
    }
    return status;
}

/* STATUS_NOT_FOUND: nothing is left. */
static enum status fill(struct walk *walk, struct page_builder *builder, struct error *err)
{
    bool full = false;
    enum status status = walk_settle(walk, err);
    while (status == STATUS_OK && !full) {
        if (!page_builder_skips(builder)) {
            status = row_stream_take(walk->heap[0], builder, &full, err);
        }
        if (status == STATUS_OK && !full) {
            status = walk_advance(walk, err);
        }
        if (status == STATUS_OK && !full) {
            status = walk_settle(walk, err);
        }
    }
    return status;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a query");
}

enum status snapshot_find(const struct snapshot_query *query,
                          const struct activity_page_request *request, struct arena *arena,
                          struct activity_page *out_page, struct error *err)
{
    struct walk walk;
    struct page_builder builder;
    enum status status = activity_store_check_deadline(query->clock, request->deadline_ns, err);
    if (status != STATUS_OK) {
        return status;
    }
    page_builder_init(&builder, request, arena);
    status = walk_open(&walk, query, request) ? fill(&walk, &builder, err) : no_memory(err);
    walk_close(&walk);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        *out_page = builder.page;
        return STATUS_OK;
    }
    return status;
}

/* Counting ---------------------------------------------------------------------------------- */

/* A question that is put to one part after the other, as it is put to this one. */
static enum status ask_part(const struct snapshot_part *part, struct part_question *question,
                            struct part_view *view, struct hidden_users **out_hidden,
                            struct error *err)
{
    question->hidden = part->hidden;
    return part_exclude_users(view, question, out_hidden, err);
}

static enum status count_part(const struct snapshot_part *part, struct part_question *question,
                              uint64_t *out_count, struct error *err)
{
    struct part_view *view = NULL;
    CLEANUP(hidden_users_unref) struct hidden_users *hidden = NULL;
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = ask_part(part, question, view, &hidden, err);
    }
    if (status == STATUS_OK) {
        status = part_count(view, question, out_count, err);
    }
    stored_part_give_view(part->stored, view);
    return status;
}

static enum status count_head(const struct snapshot_query *query, struct head *head,
                              const struct part_question *question, uint64_t *out_count,
                              struct error *err)
{
    enum status status = shared_table_count(&head->shared, query->clock, question->filter,
                                            question->deadline_ns, out_count);
    return status == STATUS_TIMED_OUT ? activity_store_timed_out(err) : status;
}

enum status snapshot_count(const struct snapshot_query *query, const struct activity_filter *filter,
                           uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct snapshot *snapshot = query->snapshot;
    struct part_question question = {
        .filter = filter, .clock = query->clock, .deadline_ns = deadline_ns};
    uint64_t sum = 0;
    enum status status = activity_store_check_deadline(query->clock, deadline_ns, err);
    for (size_t i = 0; status == STATUS_OK && i < snapshot->head_count; i++) {
        uint64_t count = 0;
        status = count_head(query, snapshot->heads[i], &question, &count, err);
        sum += count;
    }
    for (size_t i = 0; status == STATUS_OK && i < snapshot->part_count; i++) {
        uint64_t count = 0;
        status = count_part(&snapshot->parts[i], &question, &count, err);
        sum += count;
    }
    if (status == STATUS_OK) {
        *out_count = sum;
    }
    return status;
}

/* Counting in groups ------------------------------------------------------------------------ */

static enum status tally_part(const struct snapshot_part *part, struct part_question *question,
                              struct tally_table *into, struct error *err)
{
    struct part_view *view = NULL;
    CLEANUP(hidden_users_unref) struct hidden_users *hidden = NULL;
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = ask_part(part, question, view, &hidden, err);
    }
    if (status == STATUS_OK) {
        status = part_tally(view, question, into, err);
    }
    stored_part_give_view(part->stored, view);
    return status;
}

static enum status tally_all(const struct snapshot_query *query, struct tally_table *into,
                             struct error *err)
{
    const struct activity_tally_request *request = into->request;
    struct snapshot *snapshot = query->snapshot;
    struct part_question question = {
        .filter = &request->filter, .clock = query->clock, .deadline_ns = request->deadline_ns};
    for (size_t i = 0; i < snapshot->head_count; i++) {
        enum status status = shared_table_tally(&snapshot->heads[i]->shared, query->clock, into);
        if (status != STATUS_OK) {
            return activity_store_refuse_tally(status, request->groups_max, err);
        }
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < snapshot->part_count; i++) {
        status = tally_part(&snapshot->parts[i], &question, into, err);
    }
    return status;
}

enum status snapshot_tally(const struct snapshot_query *query,
                           const struct activity_tally_request *request, struct arena *arena,
                           struct activity_tally *out_tally, struct error *err)
{
    struct tally_table groups;
    ASSERT(query->snapshot->head_count > 0);
    tally_table_init(&groups, request, shared_table_seed(&query->snapshot->heads[0]->shared));
    enum status status = tally_all(query, &groups, err);
    if (status == STATUS_OK) {
        status = tally_table_answer(&groups, arena, out_tally);
        if (status != STATUS_OK) {
            status = activity_store_refuse_tally(status, request->groups_max, err);
        }
    }
    tally_table_deinit(&groups);
    return status;
}

/* One activity ------------------------------------------------------------------------------ */

static enum status get_from_part(const struct snapshot_part *part, struct id_key *id,
                                 struct arena *arena, struct activity *out_activity,
                                 struct error *err)
{
    struct part_view *view = NULL;
    struct part_row found;
    uint32_t row = 0;
    if (!part_may_hold_id(stored_part_reader(part->stored), id)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = snapshot_part_find_id(part, view, id->text, &row, err);
    }
    if (status == STATUS_OK) {
        status = part_view_row(view, row, arena, &found, err);
    }
    stored_part_give_view(part->stored, view);
    if (status == STATUS_OK) {
        *out_activity = found.activity;
    }
    return status;
}

enum status snapshot_get_before(struct snapshot *snapshot, struct id_key *id, struct arena *arena,
                                struct activity *out_activity, struct error *err)
{
    enum status status = STATUS_NOT_FOUND;
    for (size_t i = snapshot->head_count - 1; status == STATUS_NOT_FOUND && i > 0; i--) {
        struct head *head = snapshot->heads[i - 1];
        if (head_may_hold_id(head, id)) {
            status = shared_table_get(&head->shared, id->text, arena, out_activity);
        }
    }
    for (size_t i = snapshot->part_count; status == STATUS_NOT_FOUND && i > 0; i--) {
        status = get_from_part(&snapshot->parts[i - 1], id, arena, out_activity, err);
    }
    return status == STATUS_NO_MEMORY ? no_memory(err) : status;
}

enum status snapshot_get(struct snapshot *snapshot, struct str id, struct arena *arena,
                         struct activity *out_activity, struct error *err)
{
    struct head *newest = snapshot->heads[snapshot->head_count - 1];
    struct id_key key = id_key_make(id);
    enum status status = shared_table_get(&newest->shared, id, arena, out_activity);
    if (status == STATUS_NOT_FOUND) {
        status = snapshot_get_before(snapshot, &key, arena, out_activity, err);
    }
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, status, 0, "there is no activity with this id");
    }
    return status == STATUS_NO_MEMORY ? no_memory(err) : status;
}
