#include "infrastructure/activity_store_local/seal_check.h"

#include "base/array.h"
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/merkle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status seal_check_init(struct seal_check *check)
{
    *check = (struct seal_check){0};
    return sha256_init(&check->sha256);
}

void seal_check_deinit(struct seal_check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        free(check->seals[i].ranges);
    }
    free(check->seals);
    leaf_list_deinit(&check->left_out);
    sha256_deinit(&check->sha256);
}

/* What the chain says ----------------------------------------------------------------------- */

static struct placed_leaf place_in(const struct part_source *range, int64_t offset)
{
    return (struct placed_leaf){
        .log_id = range->log_id, .partition = range->partition, .offset = offset};
}

static int compare_ranges(const void *a, const void *b)
{
    const struct placed_leaf left = place_in(a, 0);
    const struct placed_leaf right = place_in(b, 0);
    return placed_leaf_compare(&left, &right);
}

enum status seal_check_add(struct seal_check *check, const struct chain_seal *seal)
{
    if (seal->number != check->count + 1) {
        return STATUS_CORRUPT;
    }
    struct part_source *ranges = malloc((seal->source_count + 1) * sizeof *ranges);
    if (ranges == NULL || !ARRAY_RESERVE(check->seals, check->capacity, check->count + 1)) {
        free(ranges);
        return STATUS_NO_MEMORY;
    }
    memcpy(ranges, seal->sources, seal->source_count * sizeof *ranges);
    qsort(ranges, seal->source_count, sizeof *ranges, compare_ranges);
    struct checked_seal *added = &check->seals[check->count++];
    *added = (struct checked_seal){.rows = seal->rows,
                                   .time_ms = seal->time_ms,
                                   .ranges = ranges,
                                   .range_count = seal->source_count};
    memcpy(added->root, seal->root, sizeof added->root);
    return STATUS_OK;
}

static bool are_known(const struct seal_check *check, struct seal_range seals)
{
    return seals.begin >= 1 && seals.begin <= seals.end && seals.end <= check->count + 1;
}

enum status seal_check_expire(struct seal_check *check, struct seal_range seals)
{
    if (!are_known(check, seals)) {
        return STATUS_CORRUPT;
    }
    for (uint64_t number = seals.begin; number < seals.end; number++) {
        struct checked_seal *seal = &check->seals[number - 1];
        seal->expired_since =
            seal->fate == SEAL_EXPIRED ? seal->expired_since : check->behind_checkpoint;
        seal->fate = SEAL_EXPIRED;
    }
    return STATUS_OK;
}

enum status seal_check_leave_out(struct seal_check *check, const struct placed_leaf *leaf)
{
    return leaf_list_add(&check->left_out, leaf);
}

/* What there is ----------------------------------------------------------------------------- */

void seal_faults_tell(struct seal_faults *faults, const char *format, ...)
{
    char words[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    faults->add(faults, words);
}

/* Where the leaves of a range begin in a sorted list: the first at or behind the offset. */
static size_t find_offset(const struct leaf_list *list, const struct part_source *range,
                          int64_t offset)
{
    const struct placed_leaf sought = place_in(range, offset);
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (placed_leaf_compare(&list->leaves[middle], &sought) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Leaves of a sorted list that follow one another. */
struct stretch {
    const struct placed_leaf *at;
    const struct placed_leaf *end;
};

static struct stretch stretch_of(const struct leaf_list *list, const struct part_source *range)
{
    if (list->count == 0) {
        return (struct stretch){NULL, NULL};
    }
    return (struct stretch){.at = list->leaves + find_offset(list, range, range->begin),
                            .end = list->leaves + find_offset(list, range, range->end)};
}

static uint64_t left_out_of(const struct seal_check *check, const struct checked_seal *seal)
{
    uint64_t leaves = 0;
    for (uint32_t i = 0; i < seal->range_count; i++) {
        struct stretch stretch = stretch_of(&check->left_out, &seal->ranges[i]);
        leaves += (uint64_t)(stretch.end - stretch.at);
    }
    return leaves < seal->rows ? leaves : seal->rows;
}

/* The tree of a seal's leaves as they are now; `rows` of them are there, the others left out. */
struct recount {
    struct merkle merkle;
    uint64_t rows;
    uint64_t left_out;
};

static void add_range(struct recount *recount, struct stretch rows, struct stretch left_out)
{
    recount->rows += (uint64_t)(rows.end - rows.at);
    recount->left_out += (uint64_t)(left_out.end - left_out.at);
    while (rows.at < rows.end || left_out.at < left_out.end) {
        bool row_first = left_out.at == left_out.end ||
                         (rows.at < rows.end && placed_leaf_compare(rows.at, left_out.at) <= 0);
        merkle_add_leaf(&recount->merkle, row_first ? rows.at++->hash : left_out.at++->hash);
    }
}

/* Tells whether the leaves are those that were sealed; adds to `out_rows` how many rows it saw. */
static enum status check_seal(struct seal_check *check, uint64_t number,
                              const struct leaf_list *rows, struct seal_faults *faults,
                              uint64_t *out_rows)
{
    struct checked_seal *seal = &check->seals[number - 1];
    struct recount recount = {0};
    uint8_t root[SHA256_BYTES];
    merkle_init(&recount.merkle, &check->sha256);
    for (uint32_t i = 0; i < seal->range_count; i++) {
        const struct part_source *range = &seal->ranges[i];
        add_range(&recount, stretch_of(rows, range), stretch_of(&check->left_out, range));
    }
    if (merkle_root(&recount.merkle, root) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    *out_rows += recount.rows;
    uint64_t found = recount.rows + recount.left_out;
    bool right = found == seal->rows && memcmp(root, seal->root, sizeof root) == 0;
    if (!right && found != seal->rows) {
        seal_faults_tell(
            faults, "seal %llu: %llu activities were sealed, and %llu are there or were erased",
            (unsigned long long)number, (unsigned long long)seal->rows, (unsigned long long)found);
    } else if (!right) {
        seal_faults_tell(faults, "seal %llu: its %llu activities are not all as they were sealed",
                         (unsigned long long)number, (unsigned long long)seal->rows);
    }
    seal->fate = right ? SEAL_PROVEN : SEAL_WRONG;
    return STATUS_OK;
}

/* What the seals of a part hold, and what the part does. More of them: seals of a chain that
 * somebody made overlap. */
static void compare_counts(uint64_t sealed, uint64_t there, struct seal_faults *faults)
{
    if (sealed < there) {
        seal_faults_tell(faults, "%llu activities were never sealed",
                         (unsigned long long)(there - sealed));
    } else if (sealed > there) {
        seal_faults_tell(faults, "its seals overlap, and count %llu activities again",
                         (unsigned long long)(sealed - there));
    }
}

enum status seal_check_part(struct seal_check *check, struct leaf_list *rows,
                            struct seal_range seals, struct seal_faults *faults)
{
    uint64_t seen = 0;
    if (!are_known(check, seals)) {
        faults->add(faults, "the chain does not have the seals that the manifest names");
        return STATUS_OK;
    }
    leaf_list_sort(rows);
    enum status status = STATUS_OK;
    for (uint64_t number = seals.begin; status == STATUS_OK && number < seals.end; number++) {
        enum seal_fate fate = check->seals[number - 1].fate;
        if (fate == SEAL_PROVEN || fate == SEAL_WRONG) {
            seal_faults_tell(faults, "seal %llu: two parts say that it is theirs",
                             (unsigned long long)number);
        } else if (fate == SEAL_EXPECTED) {
            status = check_seal(check, number, rows, faults, &seen);
        }
    }
    if (status == STATUS_OK) {
        compare_counts(seen, rows->count, faults);
    }
    return status;
}

struct expired_activities seal_check_expired(const struct seal_check *check)
{
    struct expired_activities expired = {0};
    for (size_t i = 0; i < check->count; i++) {
        const struct checked_seal *seal = &check->seals[i];
        uint64_t rows = seal->rows - left_out_of(check, seal);
        expired.all += seal->fate == SEAL_EXPIRED ? rows : 0;
        expired.since += seal->fate == SEAL_EXPIRED && seal->expired_since ? rows : 0;
    }
    return expired;
}

void seal_check_skip(struct seal_check *check, struct seal_range seals)
{
    for (uint64_t number = seals.begin; are_known(check, seals) && number < seals.end; number++) {
        struct checked_seal *seal = &check->seals[number - 1];
        seal->fate = seal->fate == SEAL_EXPECTED ? SEAL_WRONG : seal->fate;
    }
}

enum status seal_check_rest(struct seal_check *check, struct seal_faults *faults)
{
    const struct leaf_list none = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < check->count; i++) {
        uint64_t rows = 0;
        if (check->seals[i].fate == SEAL_EXPECTED) {
            status = check_seal(check, i + 1, &none, faults, &rows);
        }
    }
    return status;
}
