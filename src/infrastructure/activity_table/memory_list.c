#include "infrastructure/activity_table/memory_list.h"

#include "base/assert.h"

#include <string.h>

void memory_list_init(struct memory_list *list)
{
    *list = (struct memory_list){.first.capacity = MEMORY_RUN_FEW, .run_count = 1};
}

static bool has_few(const struct memory_run *run)
{
    return run->capacity == MEMORY_RUN_FEW;
}

static uint32_t *rows_of(struct memory_run *run)
{
    return has_few(run) ? run->few : (uint32_t *)(run->many + run->capacity);
}

static const uint32_t *const_rows_of(const struct memory_run *run)
{
    return has_few(run) ? run->few : (const uint32_t *)(run->many + run->capacity);
}

static size_t many_bytes(uint32_t capacity)
{
    return capacity * (sizeof(struct memory_mark) + sizeof(uint32_t));
}

static struct memory_mark mark_at(const struct memory_run *run, const struct memory_rows *rows,
                                  uint32_t index)
{
    if (index == 0) {
        return run->first;
    }
    return has_few(run) ? memory_row_mark(memory_rows_at(rows, run->few[index])) : run->many[index];
}

/* After others became the first. */
static void update_first(struct memory_run *run, const struct memory_rows *rows)
{
    if (run->count > 0) {
        run->first =
            has_few(run) ? memory_row_mark(memory_rows_at(rows, run->few[0])) : run->many[0];
    }
}

/* Where rows are taken from or moved to. */
struct run_part {
    struct memory_run *run;
    uint32_t index;
};

/* Copies `count` rows with their marks; both parts may lie in the same run and overlap. Rows
 * that come out of a run of few have their marks made. */
static void run_copy(struct run_part to, struct run_part from, uint32_t count,
                     const struct memory_rows *rows)
{
    memmove(rows_of(to.run) + to.index, rows_of(from.run) + from.index, count * sizeof(uint32_t));
    if (has_few(to.run)) {
        return;
    }
    if (!has_few(from.run)) {
        memmove(to.run->many + to.index, from.run->many + from.index,
                count * sizeof(struct memory_mark));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        to.run->many[to.index + i] = mark_at(from.run, rows, from.index + i);
    }
}

static struct memory_run *runs_of(struct memory_list *list)
{
    return list->runs == NULL ? &list->first : list->runs;
}

static const struct memory_run *run_at(const struct memory_list *list, uint32_t run)
{
    return list->runs == NULL ? &list->first : &list->runs[run];
}

static void run_deinit(struct memory_run *run, struct memory_pool *pool)
{
    if (!has_few(run)) {
        memory_pool_free(pool, run->many, many_bytes(run->capacity));
    }
}

void memory_list_deinit(struct memory_list *list, struct memory_pool *pool)
{
    for (uint32_t i = 0; i < list->run_count; i++) {
        run_deinit(&runs_of(list)[i], pool);
    }
    memory_pool_free(pool, list->runs, list->run_capacity * sizeof *list->runs);
    memory_list_init(list);
}

static bool run_resize(struct memory_run *run, struct memory_list_context context,
                       uint32_t capacity)
{
    ASSERT(capacity > MEMORY_RUN_FEW && capacity >= run->count);
    struct memory_run resized = *run;
    resized.capacity = capacity;
    resized.many = memory_pool_allocate(context.pool, many_bytes(capacity));
    if (resized.many == NULL) {
        return false;
    }
    run_copy((struct run_part){&resized, 0}, (struct run_part){run, 0}, run->count, context.rows);
    run_deinit(run, context.pool);
    *run = resized;
    return true;
}

static bool run_make_room(struct memory_run *run, struct memory_list_context context)
{
    return run->count < run->capacity || run_resize(run, context, run->capacity * 2);
}

/* Puts a row at `index`, where there is room for it. */
static void run_put(struct memory_run *run, const struct memory_rows *rows, uint32_t index,
                    struct memory_entry entry)
{
    if (index < run->count) {
        run_copy((struct run_part){run, index + 1}, (struct run_part){run, index},
                 run->count - index, rows);
    }
    rows_of(run)[index] = entry.row;
    if (!has_few(run)) {
        run->many[index] = entry.mark;
    }
    if (index == 0) {
        run->first = entry.mark;
    }
    run->count++;
}

/* Puts an empty run in front of the one at `at`. */
static bool add_run(struct memory_list *list, struct memory_pool *pool, uint32_t at)
{
    if (list->run_count >= list->run_capacity) {
        uint32_t capacity = list->run_capacity == 0 ? 4 : list->run_capacity * 2;
        struct memory_run *runs = memory_pool_resize(
            pool, list->runs, list->run_capacity * sizeof *runs, capacity * sizeof *runs);
        if (runs == NULL) {
            return false;
        }
        if (list->runs == NULL) {
            runs[0] = list->first;
            list->first = (struct memory_run){.capacity = MEMORY_RUN_FEW};
        }
        list->runs = runs;
        list->run_capacity = capacity;
    }
    memmove(&list->runs[at + 1], &list->runs[at], (list->run_count - at) * sizeof *list->runs);
    list->runs[at] = (struct memory_run){.capacity = MEMORY_RUN_FEW};
    list->run_count++;
    return true;
}

static void drop_run(struct memory_list *list, struct memory_pool *pool, uint32_t at)
{
    run_deinit(&list->runs[at], pool);
    list->run_count--;
    memmove(&list->runs[at], &list->runs[at + 1], (list->run_count - at) * sizeof *list->runs);
}

/* The upper half of a full run moves into a run of its own behind it. */
static bool split_run(struct memory_list *list, struct memory_list_context context, uint32_t at)
{
    if (!add_run(list, context.pool, at + 1)) {
        return false;
    }
    struct memory_run *lower = &list->runs[at];
    struct memory_run *upper = &list->runs[at + 1];
    if (!run_resize(upper, context, MEMORY_RUN_ROWS)) {
        drop_run(list, context.pool, at + 1);
        return false;
    }
    upper->count = lower->count / 2;
    lower->count -= upper->count;
    run_copy((struct run_part){upper, 0}, (struct run_part){lower, lower->count}, upper->count,
             context.rows);
    update_first(upper, context.rows);
    return true;
}

static uint32_t last_row(const struct memory_list *list)
{
    const struct memory_run *run = run_at(list, list->run_count - 1);
    return const_rows_of(run)[run->count - 1];
}

static bool is_newest(const struct memory_list *list, const struct memory_rows *rows,
                      struct memory_entry entry)
{
    int64_t timestamp_ms = entry.mark.timestamp_ms;
    if (list->count == 0 || timestamp_ms > list->last_ms) {
        return true;
    }
    return timestamp_ms == list->last_ms &&
           memory_rows_compare(rows, last_row(list), entry.row) < 0;
}

/* Whether the row at `index` is below the key. The row itself is looked at only when the marks do
 * not tell. */
static bool is_below(const struct memory_run *run, uint32_t index, const struct memory_rows *rows,
                     const struct memory_key *key)
{
    struct memory_mark mark = mark_at(run, rows, index);
    int order = memory_mark_compare(mark, key->mark);
    if (order == 0) {
        order = memory_row_compare(memory_rows_at(rows, const_rows_of(run)[index]), key);
    }
    return order < 0;
}

static bool begins_below(const struct memory_list *list, uint32_t run,
                         const struct memory_rows *rows, const struct memory_key *key)
{
    return is_below(run_at(list, run), 0, rows, key);
}

/* Runs among which is the one looked for: the last one that begins below the key, or the first of
 * all. */
struct run_range {
    uint32_t low;
    uint32_t high; /* not among them */
};

static uint32_t find_run(const struct memory_list *list, struct run_range range,
                         const struct memory_rows *rows, const struct memory_key *key)
{
    while (range.high - range.low > 1) {
        uint32_t middle = range.low + (range.high - range.low) / 2;
        if (begins_below(list, middle, rows, key)) {
            range.low = middle;
        } else {
            range.high = middle;
        }
    }
    return range.low;
}

/* Looks around `hint` first, in steps that double: what is n runs away is found in log n steps. */
static uint32_t find_run_near(const struct memory_list *list, const struct memory_rows *rows,
                              const struct memory_key *key, uint32_t hint)
{
    uint32_t count = list->run_count;
    uint32_t step = 1;
    struct run_range range = {hint < count ? hint : count - 1, count};
    if (range.low == 0 || begins_below(list, range.low, rows, key)) {
        while (count - range.low > step && begins_below(list, range.low + step, rows, key)) {
            range.low += step;
            step *= 2;
        }
        range.high = count - range.low > step ? range.low + step : count;
    } else {
        range.high = range.low;
        while (range.high > step && !begins_below(list, range.high - step, rows, key)) {
            range.high -= step;
            step *= 2;
        }
        range.low = range.high > step ? range.high - step : 0;
    }
    return find_run(list, range, rows, key);
}

/* A search in a run that nobody used for a while would wait for memory at nearly every step. Asked
 * for together, what the first steps will look at comes at the same time. */
static void fetch_steps(const struct memory_run *run)
{
    enum { MARKS_APART = MEMORY_RUN_ROWS / 16 };
    if (has_few(run)) {
        return;
    }
    for (uint32_t i = MARKS_APART / 2; i < run->count; i += MARKS_APART) {
        __builtin_prefetch(&run->many[i]);
    }
}

/* The index of the first row that is not below the key; the run's count when all are. */
static uint32_t find_in_run(const struct memory_run *run, const struct memory_rows *rows,
                            const struct memory_key *key)
{
    uint32_t low = 0;
    uint32_t high = run->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_below(run, middle, rows, key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool append(struct memory_list *list, struct memory_list_context context,
                   struct memory_entry entry)
{
    struct memory_run *run = &runs_of(list)[list->run_count - 1];
    if (run->count == MEMORY_RUN_ROWS) {
        /* Full runs stay full: nothing is expected between them. */
        if (!add_run(list, context.pool, list->run_count)) {
            return false;
        }
        run = &list->runs[list->run_count - 1];
    } else if (!run_make_room(run, context)) {
        return false;
    }
    run_put(run, context.rows, run->count, entry);
    list->count++;
    list->last_ms = entry.mark.timestamp_ms;
    return true;
}

static bool insert_late(struct memory_list *list, struct memory_list_context context,
                        struct memory_entry entry)
{
    struct memory_key key = memory_row_key(memory_rows_at(context.rows, entry.row));
    struct memory_place place = {.run = find_run_near(list, context.rows, &key, list->late_run)};
    fetch_steps(run_at(list, place.run));
    place.index = find_in_run(run_at(list, place.run), context.rows, &key);
    list->late_run = place.run;
    struct memory_run *run = &runs_of(list)[place.run];
    if (run->count == MEMORY_RUN_ROWS) {
        if (!split_run(list, context, place.run)) {
            return false;
        }
        run = &list->runs[place.run];
        if (place.index > run->count) {
            place.index -= run->count;
            run++;
        }
    }
    if (!run_make_room(run, context)) {
        return false;
    }
    run_put(run, context.rows, place.index, entry);
    list->count++;
    return true;
}

bool memory_list_insert(struct memory_list *list, struct memory_list_context context,
                        struct memory_entry entry)
{
    return is_newest(list, context.rows, entry) ? append(list, context, entry)
                                                : insert_late(list, context, entry);
}

void memory_list_prefetch(const struct memory_list *list)
{
    const struct memory_run *run = run_at(list, list->run_count - 1);
    if (list->runs == NULL && !has_few(run)) {
        __builtin_prefetch(&run->many[run->count]);
        __builtin_prefetch(&const_rows_of(run)[run->count]);
    }
}

/* Gives back what a run no longer needs; the larger array serves as well when that fails. */
static void run_tighten(struct memory_run *run, struct memory_list_context context)
{
    if (has_few(run) || run->count > run->capacity / 4) {
        return;
    }
    if (run->count <= MEMORY_RUN_FEW) {
        uint32_t few[MEMORY_RUN_FEW] = {0};
        memcpy(few, rows_of(run), run->count * sizeof *few);
        run_deinit(run, context.pool);
        memcpy(run->few, few, sizeof few);
        run->capacity = MEMORY_RUN_FEW;
    } else {
        (void)run_resize(run, context, run->capacity / 2);
    }
}

/* Joins the run with the one behind it when both are small, so that a list from which much was
 * taken does not stay long. */
static void join_with_next(struct memory_list *list, struct memory_list_context context,
                           uint32_t at)
{
    if (at + 1 >= list->run_count) {
        return;
    }
    struct memory_run *run = &list->runs[at];
    struct memory_run *next = &list->runs[at + 1];
    uint32_t count = run->count + next->count;
    if (count > MEMORY_RUN_ROWS / 2) {
        return;
    }
    if (count > run->capacity && !run_resize(run, context, MEMORY_RUN_ROWS / 2)) {
        return;
    }
    run_copy((struct run_part){run, run->count}, (struct run_part){next, 0}, next->count,
             context.rows);
    run->count = count;
    update_first(run, context.rows);
    drop_run(list, context.pool, at + 1);
}

static void update_last(struct memory_list *list, const struct memory_rows *rows)
{
    if (list->count > 0) {
        list->last_ms = memory_rows_at(rows, last_row(list))->timestamp_ms;
    }
}

void memory_list_remove(struct memory_list *list, struct memory_list_context context, uint32_t row)
{
    struct memory_key key = memory_row_key(memory_rows_at(context.rows, row));
    struct memory_place place = memory_list_lower_bound(list, context.rows, &key);
    ASSERT(place.run < list->run_count && memory_list_row(list, place) == row);
    struct memory_run *run = &runs_of(list)[place.run];
    run->count--;
    list->count--;
    run_copy((struct run_part){run, place.index}, (struct run_part){run, place.index + 1},
             run->count - place.index, context.rows);
    update_first(run, context.rows);
    if (run->count == 0 && list->run_count > 1) {
        drop_run(list, context.pool, place.run);
    } else {
        run_tighten(run, context);
        join_with_next(list, context, place.run);
        if (place.run > 0) {
            join_with_next(list, context, place.run - 1);
        }
    }
    update_last(list, context.rows);
}

static void run_remove_marked(struct memory_run *run, const struct memory_rows *rows)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        if (memory_rows_at(rows, rows_of(run)[i])->action != MEMORY_NONE) {
            run_copy((struct run_part){run, kept++}, (struct run_part){run, i}, 1, rows);
        }
    }
    run->count = kept;
    update_first(run, rows);
}

void memory_list_remove_marked(struct memory_list *list, struct memory_list_context context)
{
    struct memory_run *runs = runs_of(list);
    uint32_t kept = 0;
    list->count = 0;
    for (uint32_t i = 0; i < list->run_count; i++) {
        run_remove_marked(&runs[i], context.rows);
        list->count += runs[i].count;
        if (runs[i].count == 0) {
            run_deinit(&runs[i], context.pool);
        } else {
            run_tighten(&runs[i], context);
            runs[kept++] = runs[i];
        }
    }
    if (kept == 0) {
        runs[kept++] = (struct memory_run){.capacity = MEMORY_RUN_FEW};
    }
    list->run_count = kept;
    update_last(list, context.rows);
}

static struct memory_place at_or_next_run(const struct memory_list *list, struct memory_place place)
{
    if (place.index == run_at(list, place.run)->count) {
        return (struct memory_place){.run = place.run + 1};
    }
    return place;
}

struct memory_place memory_list_lower_bound(const struct memory_list *list,
                                            const struct memory_rows *rows,
                                            const struct memory_key *key)
{
    if (list->count == 0) {
        return memory_list_end(list);
    }
    struct memory_place place = {
        .run = find_run(list, (struct run_range){0, list->run_count}, rows, key)};
    place.index = find_in_run(run_at(list, place.run), rows, key);
    return at_or_next_run(list, place);
}

struct memory_place memory_list_begin(const struct memory_list *list)
{
    return list->count == 0 ? memory_list_end(list) : (struct memory_place){0};
}

struct memory_place memory_list_end(const struct memory_list *list)
{
    return (struct memory_place){.run = list->run_count};
}

struct memory_place memory_list_next(const struct memory_list *list, struct memory_place place)
{
    place.index++;
    return at_or_next_run(list, place);
}

struct memory_place memory_list_previous(const struct memory_list *list, struct memory_place place)
{
    if (place.index > 0) {
        place.index--;
        return place;
    }
    ASSERT(place.run > 0);
    place.run--;
    return (struct memory_place){.run = place.run, .index = run_at(list, place.run)->count - 1};
}

uint32_t memory_list_row(const struct memory_list *list, struct memory_place place)
{
    return const_rows_of(run_at(list, place.run))[place.index];
}

uint64_t memory_list_distance(const struct memory_list *list, struct memory_place low,
                              struct memory_place high)
{
    bool whole = memory_place_equal(low, memory_list_begin(list)) &&
                 memory_place_equal(high, memory_list_end(list));
    if (whole) {
        return list->count;
    }
    uint64_t rows = 0;
    for (uint32_t run = low.run; run < high.run; run++) {
        rows += run_at(list, run)->count;
    }
    return rows - low.index + high.index;
}

struct memory_place memory_list_forward(const struct memory_list *list, struct memory_place place,
                                        uint64_t steps)
{
    while (place.run < list->run_count) {
        uint32_t left = run_at(list, place.run)->count - place.index;
        if (steps < left) {
            place.index += (uint32_t)steps;
            return place;
        }
        steps -= left;
        place = (struct memory_place){.run = place.run + 1};
    }
    ASSERT(steps == 0);
    return place;
}

struct memory_place memory_list_back(const struct memory_list *list, struct memory_place place,
                                     uint64_t steps)
{
    while (steps > place.index) {
        steps -= place.index;
        ASSERT(place.run > 0);
        place.run--;
        place.index = run_at(list, place.run)->count;
    }
    place.index -= (uint32_t)steps;
    return place;
}
