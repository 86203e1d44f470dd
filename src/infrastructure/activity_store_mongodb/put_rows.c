#include "infrastructure/activity_store_mongodb/put_rows.h"

#include "base/assert.h"

#include <stdlib.h>
#include <xxhash.h>

enum { SLOTS_PER_ROW = 2, SLOTS_MIN = 16 };

void put_rows_init(struct put_rows *rows, uint64_t seed)
{
    *rows = (struct put_rows){.seed = seed};
}

void put_rows_deinit(struct put_rows *rows)
{
    free(rows->rows);
    free(rows->slots);
    free(rows->chosen);
}

static bool make_room(struct put_rows *rows, size_t count)
{
    if (count <= rows->capacity) {
        return true;
    }
    struct put_row *grown = realloc(rows->rows, count * sizeof *grown);
    if (grown != NULL) {
        rows->rows = grown;
    }
    uint32_t *chosen = realloc(rows->chosen, count * sizeof *chosen);
    if (chosen != NULL) {
        rows->chosen = chosen;
    }
    if (grown == NULL || chosen == NULL) {
        return false;
    }
    rows->capacity = count;
    return true;
}

static bool clear_slots(struct put_rows *rows, size_t count)
{
    size_t slots = SLOTS_MIN;
    while (slots < count * SLOTS_PER_ROW) {
        slots *= 2;
    }
    if (slots > rows->slots_capacity) {
        uint32_t *grown = realloc(rows->slots, slots * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        rows->slots = grown;
        rows->slots_capacity = slots;
    }
    rows->slot_count = slots;
    memset(rows->slots, 0, slots * sizeof *rows->slots);
    return true;
}

static struct str id_of(const struct put_rows *rows, size_t row)
{
    return rows->batch->rows[row].activity.id;
}

/* Where the id is, or the free slot where it would be. */
static uint32_t *find_slot(const struct put_rows *rows, struct str id)
{
    size_t mask = rows->slot_count - 1;
    size_t slot = (size_t)XXH3_64bits_withSeed(id.data, id.len, rows->seed) & mask;
    while (rows->slots[slot] != 0 && !str_equal(id_of(rows, rows->slots[slot] - 1), id)) {
        slot = (slot + 1) & mask;
    }
    return &rows->slots[slot];
}

/* From the last row to the first, so that each group begins with its first row without a walk. */
enum status put_rows_begin(struct put_rows *rows, const struct activity_batch *batch)
{
    ASSERT(batch->count < UINT32_MAX / SLOTS_PER_ROW);
    rows->batch = batch;
    if (!make_room(rows, batch->count) || !clear_slots(rows, batch->count)) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = batch->count; i-- > 0;) {
        uint32_t *slot = find_slot(rows, batch->rows[i].activity.id);
        rows->rows[i] = (struct put_row){.next = *slot, .state = ROW_WAITS};
        if (*slot != 0) {
            rows->rows[*slot - 1].previous = (uint32_t)i + 1;
        }
        *slot = (uint32_t)i + 1;
    }
    return STATUS_OK;
}

void put_rows_judge(struct put_rows *rows, size_t row, enum verdict verdict)
{
    rows->rows[row].state = ROW_JUDGED;
    rows->rows[row].verdict = verdict;
}

static bool is_first_waiting(const struct put_rows *rows, size_t row)
{
    uint32_t before = rows->rows[row].previous;
    while (before != 0 && rows->rows[before - 1].state != ROW_WAITS) {
        before = rows->rows[before - 1].previous;
    }
    return rows->rows[row].state == ROW_WAITS && before == 0;
}

void put_rows_choose(struct put_rows *rows)
{
    rows->chosen_count = 0;
    for (size_t i = 0; i < rows->batch->count; i++) {
        if (is_first_waiting(rows, i)) {
            rows->chosen[rows->chosen_count++] = (uint32_t)i;
        }
    }
}

bool put_rows_find_existing(const struct put_rows *rows, struct str id, size_t *out_row)
{
    for (uint32_t row = *find_slot(rows, id); row != 0; row = rows->rows[row - 1].next) {
        if (rows->rows[row - 1].state == ROW_SENT_EXISTS) {
            *out_row = row - 1;
            return true;
        }
    }
    return false;
}
