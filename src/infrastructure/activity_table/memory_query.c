#include "infrastructure/activity_table/memory_query.h"

#include "base/assert.h"
#include "base/timestamp.h"

enum {
    STEP_ROWS = 4096, /* about 0.1 to 0.5 ms */
    STEP_LISTS = 1024,
    STEP_STRETCHES = 256,
    METADATA_BYTES_A_ROW = 128 /* of metadata take as long as a row */
};

/* One list on its way to being merged: [low, high) is left of it. */
struct cursor {
    const struct memory_list *list;
    struct memory_place low;
    struct memory_place high;
    uint32_t row; /* the next one in the order asked for */
};

/* What one member of a row must be, in numbers of the table. */
struct condition {
    enum name_sense sense;
    uint32_t names[FILTER_NAMES_MAX];
    size_t count;
};

struct walk {
    const struct memory_table *table;
    enum activity_order order;
    struct cursor heap[FILTER_NAMES_MAX]; /* the next row of all is on top */
    size_t count;
    struct condition users;   /* what is still to be checked of each row */
    struct condition actions; /* the same */
    const struct activity_filter *filter;
    struct cursor
        minus[FILTER_NAMES_MAX]; /* lists of all rows that must not be, if they are known so */
    size_t minus_count;
};

static bool place_before(struct memory_place a, struct memory_place b)
{
    return a.run != b.run ? a.run < b.run : a.index < b.index;
}

static void raise_low(struct cursor *cursor, struct memory_place place)
{
    if (place_before(cursor->low, place)) {
        cursor->low = place;
    }
}

static void lower_high(struct cursor *cursor, struct memory_place place)
{
    if (place_before(place, cursor->high)) {
        cursor->high = place;
    }
}

/* Leaves of the list what lies behind the key. */
static void cut_after(struct cursor *cursor, const struct memory_rows *rows,
                      enum activity_order order, struct activity_key after)
{
    struct memory_key key = memory_key_make(after);
    struct memory_place place = memory_list_lower_bound(cursor->list, rows, &key);
    if (order == ORDER_NEWEST_FIRST) {
        lower_high(cursor, place);
        return;
    }
    if (!memory_place_equal(place, memory_list_end(cursor->list))) {
        uint32_t row = memory_list_row(cursor->list, place);
        if (memory_row_compare(memory_rows_at(rows, row), &key) == 0) {
            place = memory_list_next(cursor->list, place);
        }
    }
    raise_low(cursor, place);
}

static struct cursor cursor_of(const struct memory_list *list, const struct memory_rows *rows,
                               const struct activity_filter *filter)
{
    struct cursor cursor = {
        .list = list,
        .low = memory_list_begin(list),
        .high = memory_list_end(list),
    };
    /* No id sorts before the empty one, so these are the borders of the times. */
    struct memory_key from = {.mark.timestamp_ms = filter->from_ms, .id = STR("")};
    struct memory_key to = {.mark.timestamp_ms = filter->to_ms, .id = STR("")};
    if (filter->from_ms > TIMESTAMP_MS_MIN) {
        raise_low(&cursor, memory_list_lower_bound(list, rows, &from));
    }
    if (filter->to_ms <= TIMESTAMP_MS_MAX) {
        lower_high(&cursor, memory_list_lower_bound(list, rows, &to));
    }
    return cursor;
}

/* Reads the next row; false when none is left. */
static bool cursor_load(struct cursor *cursor, enum activity_order order)
{
    if (!place_before(cursor->low, cursor->high)) {
        return false;
    }
    struct memory_place place = order == ORDER_OLDEST_FIRST
                                    ? cursor->low
                                    : memory_list_previous(cursor->list, cursor->high);
    cursor->row = memory_list_row(cursor->list, place);
    return true;
}

static bool cursor_advance(struct cursor *cursor, enum activity_order order)
{
    if (order == ORDER_OLDEST_FIRST) {
        cursor->low = memory_list_next(cursor->list, cursor->low);
    } else {
        cursor->high = memory_list_previous(cursor->list, cursor->high);
    }
    return cursor_load(cursor, order);
}

static bool comes_first(const struct walk *walk, size_t a, size_t b)
{
    int order = memory_rows_compare(&walk->table->rows, walk->heap[a].row, walk->heap[b].row);
    return walk->order == ORDER_OLDEST_FIRST ? order < 0 : order > 0;
}

static void sift_down(struct walk *walk, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < walk->count; child++) {
            if (comes_first(walk, child, first)) {
                first = child;
            }
        }
        if (first == at) {
            return;
        }
        struct cursor moved = walk->heap[at];
        walk->heap[at] = walk->heap[first];
        walk->heap[first] = moved;
        at = first;
    }
}

static void make_heap(struct walk *walk)
{
    for (size_t i = walk->count / 2; i > 0; i--) {
        sift_down(walk, i - 1);
    }
}

/* What is left of a list for the query. */
static struct cursor rest_of(const struct memory_list *list, const struct memory_table *table,
                             const struct memory_query *query)
{
    struct cursor cursor = cursor_of(list, &table->rows, query->filter);
    if (query->resumed) {
        struct activity_key last = {
            .timestamp_ms = query->last_ms,
            .id = {.data = query->last_id, .len = query->last_id_len},
        };
        cut_after(&cursor, &table->rows, query->order, last);
    }
    return cursor;
}

static void walk_add_list(struct walk *walk, const struct memory_list *list,
                          const struct memory_query *query)
{
    struct cursor cursor = rest_of(list, walk->table, query);
    if (cursor_load(&cursor, query->order)) {
        walk->heap[walk->count++] = cursor;
    }
}

/* The numbers of those names that exist, and how many rows carry them. */
static uint64_t condition_resolve(struct condition *condition, const struct memory_names *names,
                                  const struct name_list *wanted, const struct name_list *excluded)
{
    struct name_choice choice;
    uint64_t rows = 0;
    name_choice_make(wanted, excluded, &choice);
    condition->count = 0;
    for (size_t i = 0; i < choice.count; i++) {
        uint32_t name =
            memory_names_find(names, choice.names[i], memory_names_hash(names, choice.names[i]));
        if (name != MEMORY_NONE) {
            condition->names[condition->count++] = name;
            rows += memory_names_at(names, name)->list.count;
        }
    }
    condition->sense = name_choice_sense(&choice, condition->count);
    return rows;
}

static uint64_t resolve_users(struct condition *condition, const struct memory_table *table,
                              const struct activity_filter *filter)
{
    return condition_resolve(condition, &table->users, &filter->user_ids,
                             &filter->excluded.user_ids);
}

static uint64_t resolve_actions(struct condition *condition, const struct memory_table *table,
                                const struct activity_filter *filter)
{
    return condition_resolve(condition, &table->actions, &filter->actions,
                             &filter->excluded.actions);
}

/* Walks the lists of the condition, which then needs no check any more. */
static void walk_condition(struct walk *walk, struct condition *condition,
                           const struct memory_names *names, const struct memory_query *query)
{
    for (size_t i = 0; i < condition->count; i++) {
        walk_add_list(walk, &memory_names_at(names, condition->names[i])->list, query);
    }
    condition->sense = ANY_NAME;
}

/* Walks all rows. Where nothing is left to be checked but that they have none of some names, those
 * that have them can be counted by their lists. */
static void walk_all(struct walk *walk, const struct memory_query *query)
{
    const struct memory_table *table = walk->table;
    bool by_user = walk->users.sense == NONE_OF;
    walk_add_list(walk, &table->all, query);
    if (by_user && walk->actions.sense == NONE_OF) {
        return;
    }
    const struct condition *excluded = by_user ? &walk->users : &walk->actions;
    const struct memory_names *names = by_user ? &table->users : &table->actions;
    for (size_t i = 0; excluded->sense == NONE_OF && i < excluded->count; i++) {
        const struct memory_list *list = &memory_names_at(names, excluded->names[i])->list;
        walk->minus[walk->minus_count++] = rest_of(list, table, query);
    }
}

static void walk_open(struct walk *walk, const struct memory_table *table,
                      const struct memory_query *query)
{
    const struct activity_filter *filter = query->filter;
    walk->table = table;
    walk->order = query->order;
    walk->filter = filter;
    walk->count = 0;
    walk->minus_count = 0;
    uint64_t of_users = resolve_users(&walk->users, table, filter);
    uint64_t of_actions = resolve_actions(&walk->actions, table, filter);
    bool by_action = walk->actions.sense == ONE_OF;
    if (walk->users.sense == ONE_OF && (!by_action || of_users <= of_actions)) {
        walk_condition(walk, &walk->users, &table->users, query);
    } else if (by_action) {
        walk_condition(walk, &walk->actions, &table->actions, query);
    } else {
        walk_all(walk, query);
    }
    make_heap(walk);
}

/* Takes the next row of the lists, wanted or not. */
static bool walk_next(struct walk *walk, uint32_t *out_row)
{
    if (walk->count == 0) {
        return false;
    }
    *out_row = walk->heap[0].row;
    if (!cursor_advance(&walk->heap[0], walk->order)) {
        walk->heap[0] = walk->heap[--walk->count];
    }
    sift_down(walk, 0);
    return true;
}

static bool condition_holds(const struct condition *condition, uint32_t name)
{
    if (condition->sense == ANY_NAME) {
        return true;
    }
    for (size_t i = 0; i < condition->count; i++) {
        if (condition->names[i] == name) {
            return condition->sense == ONE_OF;
        }
    }
    return condition->sense == NONE_OF;
}

/* Whether every row of the lists matches. */
static bool walk_wants_all(const struct walk *walk)
{
    return walk->users.sense == ANY_NAME && walk->actions.sense == ANY_NAME &&
           !activity_filter_asks_metadata(walk->filter);
}

/* Whether the rows that match can be counted without looking at any: those of the lists, less those
 * that must not be. */
static bool walk_counts(const struct walk *walk)
{
    return walk_wants_all(walk) ||
           (walk->minus_count > 0 && !activity_filter_asks_metadata(walk->filter));
}

/* A look at metadata takes the longer the more of it there is, and the more values are looked for.
 */
static bool metadata_matches(const struct walk *walk, const struct memory_row *record, size_t *work)
{
    if (!activity_filter_asks_metadata(walk->filter)) {
        return true;
    }
    struct str metadata = memory_row_metadata(record);
    *work += metadata.len / METADATA_BYTES_A_ROW * activity_filter_metadata_values(walk->filter);
    return activity_filter_matches_metadata(walk->filter, metadata);
}

/* Whether the row matches; adds to `work` what finding out took, in rows. */
static bool walk_wants(const struct walk *walk, uint32_t row, size_t *work)
{
    *work += 1;
    if (walk_wants_all(walk)) {
        return true;
    }
    const struct memory_row *record = memory_rows_at(&walk->table->rows, row);
    return condition_holds(&walk->users, record->user) &&
           condition_holds(&walk->actions, record->action) && metadata_matches(walk, record, work);
}

static void query_init(struct memory_query *query, const struct activity_filter *filter,
                       enum activity_order order)
{
    query->filter = filter;
    query->order = order;
    query->resumed = false;
}

static void query_resume_after(struct memory_query *query, int64_t timestamp_ms, struct str id)
{
    ASSERT(id.len <= sizeof query->last_id);
    query->resumed = true;
    query->last_ms = timestamp_ms;
    query->last_id_len = id.len;
    memcpy(query->last_id, id.data, id.len);
}

static void query_resume_after_row(struct memory_query *query, const struct memory_table *table,
                                   uint32_t row)
{
    char space[UUID_TEXT_BYTES];
    const struct memory_row *record = memory_rows_at(&table->rows, row);
    query_resume_after(query, record->timestamp_ms, memory_row_id(record, space));
}

void memory_page_query_init(struct memory_page_query *query,
                            const struct activity_page_request *request, struct arena *arena)
{
    query_init(&query->query, &request->filter, request->order);
    if (request->after != NULL) {
        query_resume_after(&query->query, request->after->timestamp_ms, request->after->id);
    }
    page_builder_init(&query->builder, request, arena);
}

/* With one list whose rows are all wanted, skipping is counting. */
static void skip_at_once(struct memory_page_query *query, struct walk *walk)
{
    size_t *skip_left = &query->builder.skip_left;
    if (*skip_left == 0 || walk->count != 1 || !walk_wants_all(walk)) {
        return;
    }
    struct cursor *cursor = &walk->heap[0];
    uint64_t left = memory_list_distance(cursor->list, cursor->low, cursor->high);
    uint64_t steps = *skip_left < left ? *skip_left : left;
    if (query->query.order == ORDER_OLDEST_FIRST) {
        cursor->low = memory_list_forward(cursor->list, cursor->low, steps);
    } else {
        cursor->high = memory_list_back(cursor->list, cursor->high, steps);
    }
    *skip_left -= (size_t)steps;
    if (!cursor_load(cursor, walk->order)) {
        walk->count = 0;
    }
}

/* A row that matches, behind those that are skipped. MEMORY_PAUSED: go on with the next one. */
static enum memory_progress page_take(struct memory_page_query *query,
                                      const struct memory_table *table, uint32_t row)
{
    char space[UUID_TEXT_BYTES];
    struct activity view = memory_table_view(table, row, space);
    enum page_builder_answer answer = page_builder_take(&query->builder, &view);
    if (answer != PAGE_BUILDER_TAKEN) {
        return answer == PAGE_BUILDER_FULL ? MEMORY_DONE : MEMORY_FULL;
    }
    return MEMORY_PAUSED;
}

enum memory_progress memory_page_query_step(struct memory_page_query *query,
                                            const struct memory_table *table)
{
    struct walk walk;
    uint32_t row = MEMORY_NONE;
    walk_open(&walk, table, &query->query);
    skip_at_once(query, &walk);
    for (size_t work = 0; work < STEP_ROWS;) {
        if (!walk_next(&walk, &row)) {
            return MEMORY_DONE;
        }
        if (!walk_wants(&walk, row, &work) || page_builder_skips(&query->builder)) {
            continue;
        }
        enum memory_progress progress = page_take(query, table, row);
        if (progress != MEMORY_PAUSED) {
            return progress;
        }
    }
    query_resume_after_row(&query->query, table, row);
    return MEMORY_PAUSED;
}

void memory_count_query_init(struct memory_count_query *query, const struct activity_filter *filter)
{
    query_init(&query->query, filter, ORDER_OLDEST_FIRST);
    query->count = 0;
}

static uint64_t rows_left(const struct cursor *cursor)
{
    return place_before(cursor->low, cursor->high)
               ? memory_list_distance(cursor->list, cursor->low, cursor->high)
               : 0;
}

static uint64_t rows_of(const struct cursor *cursors, size_t count)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += rows_left(&cursors[i]);
    }
    return rows;
}

enum memory_progress memory_count_query_step(struct memory_count_query *query,
                                             const struct memory_table *table)
{
    struct walk walk;
    uint32_t row = MEMORY_NONE;
    walk_open(&walk, table, &query->query);
    if (walk_counts(&walk)) {
        query->count += rows_of(walk.heap, walk.count) - rows_of(walk.minus, walk.minus_count);
        return MEMORY_DONE;
    }
    for (size_t work = 0; work < STEP_ROWS;) {
        if (!walk_next(&walk, &row)) {
            return MEMORY_DONE;
        }
        query->count += walk_wants(&walk, row, &work) ? 1 : 0;
    }
    query_resume_after_row(&query->query, table, row);
    return MEMORY_PAUSED;
}

/* Tallies ----------------------------------------------------------------------------------- */

void memory_tally_query_init(struct memory_tally_query *query, struct tally_table *into)
{
    *query = (struct memory_tally_query){.into = into, .filter = into->request->filter};
    query_init(&query->query, &query->filter, ORDER_OLDEST_FIRST);
}

static enum memory_progress tally_full(struct memory_tally_query *query, enum status status)
{
    query->failed = status;
    return MEMORY_FULL;
}

/* Counts the list of one name as a group. */
static enum status tally_name(const struct memory_tally_query *query,
                              const struct memory_table *table, const struct memory_names *names,
                              uint32_t name)
{
    const struct memory_name *at = memory_names_at(names, name);
    if (at->text == NULL || at->list.count == 0) {
        return STATUS_OK;
    }
    struct cursor cursor = cursor_of(&at->list, &table->rows, query->query.filter);
    return tally_table_add_name(query->into, memory_names_text(names, name), rows_left(&cursor));
}

/* The groups are names, and nothing else is asked of a row but its time. */
static enum memory_progress tally_names(struct memory_tally_query *query,
                                        const struct memory_table *table,
                                        const struct memory_names *names,
                                        const struct condition *condition)
{
    enum status status = STATUS_OK;
    bool wants = condition->sense == ONE_OF;
    for (size_t i = 0; status == STATUS_OK && wants && i < condition->count; i++) {
        status = tally_name(query, table, names, condition->names[i]);
    }
    uint32_t end = wants ? 0 : names->used;
    for (int steps = 0; status == STATUS_OK && query->next_name < end; steps++) {
        if (steps == STEP_LISTS) {
            return MEMORY_PAUSED;
        }
        uint32_t name = query->next_name++;
        status = condition_holds(condition, name) ? tally_name(query, table, names, name) : status;
    }
    return status == STATUS_OK ? MEMORY_DONE : tally_full(query, status);
}

/* Takes the rows before a time off the list; says how many there were. */
static uint64_t take_before(struct cursor *cursor, const struct memory_rows *rows, int64_t end_ms)
{
    struct memory_key end = {.mark.timestamp_ms = end_ms, .id = STR("")};
    struct cursor taken = *cursor;
    lower_high(&taken, memory_list_lower_bound(cursor->list, rows, &end));
    cursor->low = taken.high;
    return rows_left(&taken);
}

/* Takes what lies in a stretch off all lists; says how many rows match. */
static uint64_t take_stretch(struct walk *walk, int64_t end_ms)
{
    const struct memory_rows *rows = &walk->table->rows;
    uint64_t count = 0;
    for (size_t i = walk->count; i > 0; i--) {
        count += take_before(&walk->heap[i - 1], rows, end_ms);
        if (!cursor_load(&walk->heap[i - 1], walk->order)) {
            walk->heap[i - 1] = walk->heap[--walk->count];
        }
    }
    for (size_t i = 0; i < walk->minus_count; i++) {
        count -= take_before(&walk->minus[i], rows, end_ms);
    }
    make_heap(walk);
    return count;
}

/* Counts stretch by stretch, without looking at more than the first row of each list in it. */
static enum memory_progress tally_stretches(struct memory_tally_query *query,
                                            const struct memory_table *table, struct walk *walk)
{
    int64_t interval_ms = activity_tally_interval_ms(query->into->request);
    for (int stretch = 0; stretch < STEP_STRETCHES; stretch++) {
        if (walk->count == 0) {
            return MEMORY_DONE;
        }
        int64_t first_ms = memory_rows_at(&table->rows, walk->heap[0].row)->timestamp_ms;
        int64_t end_ms = activity_interval_start_ms(interval_ms, first_ms) + interval_ms;
        uint64_t count = take_stretch(walk, end_ms);
        enum status status =
            count > 0 ? tally_table_add_time(query->into, first_ms, count) : STATUS_OK;
        if (status != STATUS_OK) {
            return tally_full(query, status);
        }
        query->filter.from_ms = end_ms;
    }
    return MEMORY_PAUSED;
}

static enum status tally_metadata(const struct memory_tally_query *query,
                                  const struct memory_row *record, size_t *work)
{
    struct str metadata = memory_row_metadata(record);
    *work += metadata.len / METADATA_BYTES_A_ROW;
    return tally_table_add_metadata(query->into, metadata);
}

static enum status tally_row(const struct memory_tally_query *query,
                             const struct memory_table *table, uint32_t row, size_t *work)
{
    const struct memory_row *record = memory_rows_at(&table->rows, row);
    switch (query->into->request->grouping) {
    case GROUP_BY_ACTION:
        return tally_table_add_name(query->into, memory_names_text(&table->actions, record->action),
                                    1);
    case GROUP_BY_USER:
        return tally_table_add_name(query->into, memory_names_text(&table->users, record->user), 1);
    case GROUP_BY_METADATA:
        return tally_metadata(query, record, work);
    default:
        return tally_table_add_time(query->into, record->timestamp_ms, 1);
    }
}

static enum memory_progress tally_rows(struct memory_tally_query *query,
                                       const struct memory_table *table, struct walk *walk)
{
    uint32_t row = MEMORY_NONE;
    for (size_t work = 0; work < STEP_ROWS;) {
        if (!walk_next(walk, &row)) {
            return MEMORY_DONE;
        }
        enum status status =
            walk_wants(walk, row, &work) ? tally_row(query, table, row, &work) : STATUS_OK;
        if (status != STATUS_OK) {
            return tally_full(query, status);
        }
    }
    query_resume_after_row(&query->query, table, row);
    return MEMORY_PAUSED;
}

static bool asks_users(const struct activity_filter *filter)
{
    return filter->user_ids.count > 0 || filter->excluded.user_ids.count > 0;
}

/* Where most stretches would have a row or two, going from row to row is quicker. */
static bool is_long(const struct memory_tally_query *query)
{
    return activity_tally_interval_ms(query->into->request) >= MS_PER_MINUTE;
}

enum memory_progress memory_tally_query_step(struct memory_tally_query *query,
                                             const struct memory_table *table)
{
    const struct activity_filter *filter = query->query.filter;
    enum activity_grouping grouping = query->into->request->grouping;
    struct condition named;
    bool looks = activity_filter_asks_metadata(filter);
    if (grouping == GROUP_BY_ACTION && !asks_users(filter) && !looks) {
        resolve_actions(&named, table, filter);
        return tally_names(query, table, &table->actions, &named);
    }
    if (grouping == GROUP_BY_USER && !activity_filter_asks_actions(filter) && !looks) {
        resolve_users(&named, table, filter);
        return tally_names(query, table, &table->users, &named);
    }
    struct walk walk;
    walk_open(&walk, table, &query->query);
    return activity_grouping_is_by_time(grouping) && walk_counts(&walk) && is_long(query)
               ? tally_stretches(query, table, &walk)
               : tally_rows(query, table, &walk);
}
