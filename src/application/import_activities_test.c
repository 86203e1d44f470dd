/* Guards the import: every line arrives once or is refused with its number, ids follow from what a
 * line is and where it stands, and what is told to be durable has no gap, in whatever order the
 * target is through with batches. */
#include "application/import_activities.h"
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { RECORDED_MAX = 20000, ID_BYTES = 64, BATCHES = 3 };

struct recorded {
    uint64_t line;
    char id[ID_BYTES];
};

/* A target, a listener and an input in one. */
struct world {
    struct import_target target;
    struct import_listener listener;
    struct str input;
    size_t read;
    struct import_batch *held[BATCHES];
    size_t held_count;
    bool newest_first;     /* batches come back in the opposite order */
    uint64_t refuse_every; /* the target refuses lines whose number this divides; 0: none */
    size_t fail_after;     /* collects that work; then the target fails */
    size_t line_bytes_max;
    size_t wish_stop_after; /* questions for a wish; then stop soon */
    enum import_wish stop_wish;
    struct recorded recorded[RECORDED_MAX];
    size_t recorded_count;
    uint64_t faults[RECORDED_MAX];
    size_t fault_count;
    struct import_progress told;
};

static void describe(struct import_target *target, struct import_target_state *out_state)
{
    const struct world *world = CONTAINER_OF(target, struct world, target);
    *out_state = (struct import_target_state){.name = "a test",
                                              .rules = &activity_rules_default,
                                              .line_bytes_max = world->line_bytes_max,
                                              .batches_max = BATCHES};
}

static enum status submit(struct import_target *target, struct import_batch *batch,
                          struct error *err)
{
    struct world *world = CONTAINER_OF(target, struct world, target);
    (void)err;
    assert_true(world->held_count < BATCHES);
    world->held[world->held_count++] = batch;
    return STATUS_OK;
}

static void record(struct world *world, struct import_batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct import_row *row = &batch->rows[i];
        if (world->refuse_every != 0 && row->line % world->refuse_every == 0) {
            assert_true(import_batch_refuse_row(batch, i, STR("{\"detail\":\"no\"}")));
            continue;
        }
        struct recorded *recorded = &world->recorded[world->recorded_count++];
        struct str id = row->draft.activity.id;
        recorded->line = row->line;
        snprintf(recorded->id, sizeof recorded->id, "%.*s", STR_FORMAT(id));
        assert_int_equal(row->id_is_ours, memcmp(row->text.data, "{\"id\"", 5) != 0);
    }
}

static enum status collect(struct import_target *target, unsigned wait_ms,
                           struct import_batch **out_batch, struct error *err)
{
    struct world *world = CONTAINER_OF(target, struct world, target);
    if (world->fail_after == 0) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "gone");
    }
    world->fail_after--;
    if (world->held_count == 0 || (wait_ms == 0 && world->held_count < BATCHES)) {
        return STATUS_OK;
    }
    size_t index = world->newest_first ? world->held_count - 1 : 0;
    *out_batch = world->held[index];
    world->held_count--;
    memmove(&world->held[index], &world->held[index + 1],
            (world->held_count - index) * sizeof world->held[0]);
    record(world, *out_batch);
    return STATUS_OK;
}

static const struct import_target_operations operations = {
    .describe = describe, .submit = submit, .collect = collect};

static enum status on_refused(struct import_listener *listener, const struct import_fault *fault,
                              struct error *err)
{
    struct world *world = CONTAINER_OF(listener, struct world, listener);
    (void)err;
    assert_true(world->fault_count == 0 || world->faults[world->fault_count - 1] < fault->line);
    assert_true(fault->line > world->told.line);
    assert_true(str_starts_with(fault->problem, STR("{\"detail\":\"")));
    world->faults[world->fault_count++] = fault->line;
    return STATUS_OK;
}

static enum status on_acknowledged(struct import_listener *listener,
                                   const struct import_progress *progress, struct error *err)
{
    struct world *world = CONTAINER_OF(listener, struct world, listener);
    (void)err;
    assert_true(progress->offset > world->told.offset && progress->line > world->told.line);
    assert_int_equal(progress->refused, world->fault_count);
    world->told = *progress;
    return STATUS_OK;
}

static enum import_wish on_wish(struct import_listener *listener)
{
    struct world *world = CONTAINER_OF(listener, struct world, listener);
    if (world->wish_stop_after == 0) {
        return world->stop_wish;
    }
    world->wish_stop_after--;
    return IMPORT_GO_ON;
}

static enum status read_input(void *context, char *into, size_t len, size_t *out_len,
                              struct error *err)
{
    struct world *world = context;
    (void)err;
    size_t left = world->input.len - world->read;
    *out_len = left < len ? left : len;
    memcpy(into, world->input.data + world->read, *out_len);
    world->read += *out_len;
    return STATUS_OK;
}

/* Not SHA-256, but every byte and its place count. */
static enum status hash_parts(void *context, const struct str *parts, size_t count,
                              uint8_t out_hash[IMPORT_HASH_BYTES])
{
    (void)context;
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < parts[i].len; at++) {
            sum = (sum ^ (uint8_t)parts[i].data[at]) * 1099511628211u;
        }
    }
    for (size_t i = 0; i < IMPORT_HASH_BYTES; i++) {
        sum = sum * 6364136223846793005u + 1442695040888963407u;
        out_hash[i] = (uint8_t)(sum >> 56);
    }
    return STATUS_OK;
}

static const struct content_hash hash = {hash_parts, NULL};

static struct world *make_world(struct str input)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->target.operations = &operations;
    world->listener = (struct import_listener){on_refused, on_acknowledged, on_wish};
    world->input = input;
    world->line_bytes_max = 4096;
    world->fail_after = world->wish_stop_after = SIZE_MAX;
    return world;
}

static enum status run(struct world *world, struct import_progress *progress, bool *out_complete)
{
    const struct import_config config = {
        .target = &world->target,
        .source = {read_input, world},
        .hash = &hash,
        .clock = &clock_system,
        .listener = &world->listener,
    };
    struct error err;
    world->read = (size_t)progress->offset;
    return import_run(&config, progress, out_complete, &err);
}

/* `count` lines; every seventh brings an id, every eleventh is wrong. The caller frees them. */
static struct str make_input(size_t count)
{
    struct buffer text;
    buffer_init(&text, 64 << 20);
    for (size_t i = 1; i <= count; i++) {
        if (i % 11 == 0) {
            buffer_append_format(&text, "{\"userId\":\"u%zu\"}\n", i);
        } else if (i % 7 == 0) {
            buffer_append_format(&text, "{\"id\":\"own-%zu\",\"userId\":\"u\",\"action\":\"a\"}\n",
                                 i);
        } else {
            buffer_append_format(&text, "{\"userId\":\"u\",\"action\":\"same\"}\n");
        }
    }
    assert_int_equal(text.failed, STATUS_OK);
    return buffer_str(&text);
}

static void free_input(struct str input)
{
    free((char *)(uintptr_t)input.data);
}

static int compare_recorded(const void *a, const void *b)
{
    uint64_t left = ((const struct recorded *)a)->line;
    uint64_t right = ((const struct recorded *)b)->line;
    return (left > right) - (left < right);
}

/* Every line from 1 to `count` was recorded or refused, once. */
static void expect_all(struct world *world, uint64_t count)
{
    qsort(world->recorded, world->recorded_count, sizeof world->recorded[0], compare_recorded);
    size_t recorded = 0;
    size_t fault = 0;
    for (uint64_t line = 1; line <= count; line++) {
        bool wrong =
            line % 11 == 0 || (world->refuse_every != 0 && line % world->refuse_every == 0);
        if (wrong) {
            assert_int_equal(world->faults[fault++], line);
        } else {
            assert_int_equal(world->recorded[recorded++].line, line);
        }
    }
    assert_int_equal(fault, world->fault_count);
    assert_int_equal(recorded, world->recorded_count);
}

static void every_line_arrives_or_is_refused(void **state)
{
    (void)state;
    enum { LINES = 9999 };
    struct str input = make_input(LINES);
    for (int newest_first = 0; newest_first < 2; newest_first++) {
        struct world *world = make_world(input);
        struct import_progress progress = {0};
        bool complete = false;
        world->newest_first = newest_first != 0;
        world->refuse_every = 13;
        assert_int_equal(run(world, &progress, &complete), STATUS_OK);
        assert_true(complete);
        expect_all(world, LINES);
        assert_int_equal(progress.offset, input.len);
        assert_int_equal(progress.line, LINES);
        assert_int_equal(progress.imported, world->recorded_count);
        assert_int_equal(progress.refused, world->fault_count);
        free(world);
    }
    free_input(input);
}

static void an_empty_input_is_complete(void **state)
{
    (void)state;
    static const char *const inputs[] = {"", "\n", " \r\n\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(inputs); i++) {
        struct world *world = make_world(str_from(inputs[i]));
        struct import_progress progress = {0};
        bool complete = false;
        assert_int_equal(run(world, &progress, &complete), STATUS_OK);
        assert_true(complete);
        assert_int_equal(world->recorded_count, 0);
        free(world);
    }
}

/* The ids of an input's lines, by itself. */
static struct world *import_text(const char *text, const char *key)
{
    struct world *world = make_world(str_from(text));
    struct import_progress progress = {0};
    bool complete = false;
    if (key != NULL) {
        assert_int_equal(import_name_key(&hash, str_from(key), &progress), STATUS_OK);
    }
    assert_int_equal(run(world, &progress, &complete), STATUS_OK);
    assert_true(complete);
    return world;
}

#define LINE_A "{\"userId\":\"u\",\"action\":\"a\"}\n"
#define LINE_B "{\"userId\":\"u\",\"action\":\"b\"}\n"

static void ids_follow_from_line_number_and_first_line(void **state)
{
    (void)state;
    struct world *first = import_text(LINE_A LINE_B LINE_B, NULL);
    assert_int_equal(first->recorded_count, 3);
    assert_string_not_equal(first->recorded[1].id, first->recorded[2].id);
    assert_int_equal(strlen(first->recorded[0].id), UUID_TEXT_BYTES);
    assert_int_equal(first->recorded[0].id[14], '8');
    assert_non_null(strchr("89ab", first->recorded[0].id[19]));
    struct world *longer = import_text(LINE_A "broken\n" LINE_B LINE_A, NULL);
    assert_string_equal(longer->recorded[0].id, first->recorded[0].id);
    assert_string_equal(longer->recorded[1].id, first->recorded[2].id);
    struct world *other = import_text(LINE_B LINE_B LINE_B, NULL);
    assert_string_not_equal(other->recorded[1].id, first->recorded[1].id);
    struct world *named = import_text(LINE_A LINE_B LINE_B, "monday");
    struct world *renamed = import_text(LINE_A LINE_B LINE_B, "tuesday");
    struct world *same_name = import_text(LINE_B LINE_B LINE_B, "monday");
    assert_string_not_equal(named->recorded[0].id, first->recorded[0].id);
    assert_string_not_equal(named->recorded[1].id, renamed->recorded[1].id);
    assert_string_equal(named->recorded[1].id, same_name->recorded[1].id);
    free(first);
    free(longer);
    free(other);
    free(named);
    free(renamed);
    free(same_name);
}

/* The id of the last line, behind a first one of `len` bytes, at a target that takes lines of
 * `line_bytes_max`. */
static void find_last_id(size_t len, char fill, size_t line_bytes_max, char out_id[ID_BYTES])
{
    size_t total = len + 1 + strlen(LINE_A);
    char *text = malloc(total);
    assert_non_null(text);
    memset(text, fill, len);
    memcpy(text + len, "\n" LINE_A, total - len);
    struct world *world = make_world((struct str){text, total});
    struct import_progress progress = {0};
    bool complete = false;
    world->line_bytes_max = line_bytes_max;
    assert_int_equal(run(world, &progress, &complete), STATUS_OK);
    assert_true(world->recorded_count == 1);
    memcpy(out_id, world->recorded[0].id, ID_BYTES);
    free(text);
    free(world);
}

static void ids_do_not_depend_on_the_target(void **state)
{
    (void)state;
    static const size_t lengths[] = {1024, 1025, 2000, 4000, 5000, 300000};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        for (int blank = 0; blank < 2; blank++) {
            char small[ID_BYTES];
            char large[ID_BYTES];
            find_last_id(lengths[i], blank ? ' ' : 'x', IMPORT_SHOWN_BYTES_MAX, small);
            find_last_id(lengths[i], blank ? ' ' : 'x', 1 << 20, large);
            assert_string_equal(small, large);
        }
    }
}

/* Goes on until it is through, however often it is stopped; every line counts once. */
static void import_in_pieces(struct str input, enum import_wish wish, size_t lines)
{
    struct world *world = make_world(input);
    struct import_progress progress = {0};
    struct world *whole = make_world(input);
    struct import_progress whole_progress = {0};
    bool complete = false;
    assert_int_equal(run(whole, &whole_progress, &complete), STATUS_OK);
    world->newest_first = true;
    world->stop_wish = wish;
    size_t runs = 0;
    for (complete = false; !complete; runs++) {
        world->wish_stop_after = 5;
        world->held_count = 0;
        assert_int_equal(run(world, &progress, &complete), STATUS_OK);
        assert_int_equal(progress.offset, world->told.offset);
        assert_in_range(runs, 0, 1000);
    }
    assert_true(runs > 1);
    assert_int_equal(progress.line, lines);
    assert_int_equal(progress.imported, whole->recorded_count);
    if (wish == IMPORT_STOP_SOON) {
        expect_all(world, lines); /* nothing was sent twice */
        qsort(whole->recorded, whole->recorded_count, sizeof whole->recorded[0], compare_recorded);
        assert_memory_equal(world->recorded, whole->recorded,
                            whole->recorded_count * sizeof whole->recorded[0]);
    }
    free(world);
    free(whole);
}

static void it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    enum { LINES = 9000 };
    struct str input = make_input(LINES);
    import_in_pieces(input, IMPORT_STOP_SOON, LINES);
    import_in_pieces(input, IMPORT_STOP_NOW, LINES);
    free_input(input);
}

/* All was read, but nobody knows what of it arrived. */
static void what_is_under_way_is_not_complete(void **state)
{
    (void)state;
    struct world *world = make_world(str_from(LINE_A));
    struct import_progress progress = {0};
    bool complete = true;
    world->wish_stop_after = 1;
    world->stop_wish = IMPORT_STOP_NOW;
    assert_int_equal(run(world, &progress, &complete), STATUS_OK);
    assert_int_equal(world->held_count, 1);
    assert_false(complete);
    assert_int_equal(progress.offset, 0);
    free(world);
}

/* Wherever the target fails, what was told is durable, all that came back without a gap was told,
 * and the same again is whole. */
static void fail_everywhere(bool newest_first)
{
    enum { LINES = 6000 };
    struct str input = make_input(LINES);
    bool complete = false;
    for (size_t fail_after = 0; !complete; fail_after++) {
        struct world *world = make_world(input);
        struct import_progress progress = {0};
        world->newest_first = newest_first;
        world->fail_after = fail_after;
        enum status status = run(world, &progress, &complete);
        assert_int_equal(status, complete ? STATUS_OK : STATUS_UNAVAILABLE);
        assert_int_equal(progress.offset, world->told.offset);
        assert_true(progress.imported <= world->recorded_count);
        assert_true(newest_first || progress.imported == world->recorded_count);
        world->fail_after = SIZE_MAX;
        world->held_count = 0;
        bool again = false;
        assert_int_equal(run(world, &progress, &again), STATUS_OK);
        assert_true(again);
        assert_int_equal(progress.imported + progress.refused, LINES);
        assert_in_range(fail_after, 0, 1000);
        free(world);
    }
    free_input(input);
}

static void a_target_that_fails_leaves_a_place_to_go_on(void **state)
{
    (void)state;
    fail_everywhere(false);
    fail_everywhere(true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_arrives_or_is_refused),
        cmocka_unit_test(an_empty_input_is_complete),
        cmocka_unit_test(ids_follow_from_line_number_and_first_line),
        cmocka_unit_test(ids_do_not_depend_on_the_target),
        cmocka_unit_test(it_goes_on_where_it_stopped),
        cmocka_unit_test(what_is_under_way_is_not_complete),
        cmocka_unit_test(a_target_that_fails_leaves_a_place_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
