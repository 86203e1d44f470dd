#include "domain/log_account.h"

#include "base/assert.h"

const char *log_outcome_name(enum log_outcome outcome)
{
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_STORED] = "stored",     [OUTCOME_DUPLICATE] = "duplicate",
        [OUTCOME_CONFLICT] = "conflict", [OUTCOME_REFUSED] = "refused",
        [OUTCOME_ERASED] = "erased",     [OUTCOME_EMPTY] = "empty",
    };
    ASSERT(outcome < OUTCOME_COUNT);
    return names[outcome];
}

uint64_t log_counts_sum(const struct log_counts *counts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        sum += counts->outcomes[i];
    }
    return sum;
}

void log_counts_add(struct log_counts *counts, const struct log_counts *more)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        counts->outcomes[i] += more->outcomes[i];
    }
    counts->foreign += more->foreign;
    counts->replayed += more->replayed;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void log_counts_raise(struct log_counts *counts, const struct log_counts *later)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        counts->outcomes[i] = larger(counts->outcomes[i], later->outcomes[i]);
    }
    counts->foreign = larger(counts->foreign, later->foreign);
    counts->replayed = larger(counts->replayed, later->replayed);
}

/* Counting ---------------------------------------------------------------------------------- */

void log_counting_begin(struct log_counting *counting, const struct position_set *starts,
                        const struct position_set *covered, const struct position_set *next)
{
    *counting = (struct log_counting){.starts = starts, .covered = covered, .next = next};
}

static int64_t first_uncounted(const struct log_counting *counting, int32_t partition)
{
    int64_t start = position_set_get(counting->starts, partition);
    int64_t covered = position_set_get(counting->covered, partition);
    return start > covered ? start : covered;
}

/* Rows of one partition mostly follow each other. */
static bool is_counted_now(struct log_counting *counting, struct position position)
{
    if (counting->next_offset == 0 || counting->partition != position.partition) {
        counting->partition = position.partition;
        counting->from_offset = first_uncounted(counting, position.partition);
        counting->next_offset = position_set_get(counting->next, position.partition);
    }
    return position.offset >= counting->from_offset && position.offset < counting->next_offset;
}

/* A redelivery is never counted now; should a store say so nevertheless, the id was there. */
static enum log_outcome outcome_of(enum verdict verdict)
{
    static const enum log_outcome outcomes[VERDICT_COUNT] = {
        [VERDICT_STORED] = OUTCOME_STORED,     [VERDICT_DUPLICATE] = OUTCOME_DUPLICATE,
        [VERDICT_CONFLICT] = OUTCOME_CONFLICT, [VERDICT_REDELIVERED] = OUTCOME_DUPLICATE,
        [VERDICT_ERASED] = OUTCOME_ERASED,     [VERDICT_REFUSED] = OUTCOME_REFUSED,
    };
    ASSERT(verdict < VERDICT_COUNT);
    return outcomes[verdict];
}

void log_counting_add_row(struct log_counting *counting, const struct logged_activity *row,
                          enum verdict verdict)
{
    if (is_counted_now(counting, row->position)) {
        counting->added.outcomes[outcome_of(verdict)]++;
        counting->added.foreign += row->foreign;
        counting->handed_over++;
    } else if (verdict == VERDICT_STORED) {
        counting->added.replayed++;
    }
}

void log_counting_add_refused(struct log_counting *counting, const struct refusal *refused)
{
    if (is_counted_now(counting, refused->position)) {
        counting->added.outcomes[OUTCOME_REFUSED]++;
        counting->handed_over++;
    }
}

void log_counting_end(struct log_counting *counting)
{
    uint64_t passed = 0;
    for (size_t i = 0; i < counting->next->count; i++) {
        struct position next = counting->next->items[i];
        int64_t from = first_uncounted(counting, next.partition);
        passed += next.offset > from ? (uint64_t)(next.offset - from) : 0;
    }
    /* A log that hands one position over twice shows in the sum, which then does not close. */
    if (passed > counting->handed_over) {
        counting->added.outcomes[OUTCOME_EMPTY] += passed - counting->handed_over;
    }
}

struct log_counts log_counts_of_batch(const struct activity_batch *batch,
                                      const enum verdict *verdicts,
                                      const struct position_set *starts,
                                      const struct position_set *covered)
{
    struct log_counting counting;
    log_counting_begin(&counting, starts, covered, batch->next);
    for (size_t i = 0; i < batch->count; i++) {
        log_counting_add_row(&counting, &batch->rows[i], verdicts[i]);
    }
    for (size_t i = 0; i < batch->refused_count; i++) {
        log_counting_add_refused(&counting, &batch->refused[i]);
    }
    log_counting_end(&counting);
    return counting.added;
}

/* Starts ------------------------------------------------------------------------------------ */

static int64_t first_offset(const struct activity_batch *batch, struct position next)
{
    int64_t first = next.offset;
    for (size_t i = 0; i < batch->count; i++) {
        struct position position = batch->rows[i].position;
        if (position.partition == next.partition && position.offset < first) {
            first = position.offset;
        }
    }
    for (size_t i = 0; i < batch->refused_count; i++) {
        struct position position = batch->refused[i].position;
        if (position.partition == next.partition && position.offset < first) {
            first = position.offset;
        }
    }
    return first;
}

enum status log_starts_take_up(struct position_set *starts, const struct position_set *covered,
                               const struct activity_batch *batch)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < batch->next->count; i++) {
        struct position start = batch->next->items[i];
        if (position_set_has(starts, start.partition)) {
            continue;
        }
        int64_t before = position_set_get(covered, start.partition);
        start.offset = before > 0 ? before : first_offset(batch, start);
        status = position_set_raise(starts, start);
    }
    return status;
}
