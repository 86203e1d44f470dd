#include "infrastructure/activity_table/memory_table.h"

#include "base/assert.h"
#include "base/macros.h"

#include <xxhash.h>

/* Beyond this share of all rows, a user's rows leave the lists in one pass over everything rather
 * than one by one: a search in two lists costs as much as passing over so many rows. */
enum { ERASE_SHARE = 128 };

/* Memory is fetched in steps so many rows ahead of each other. */
enum { AHEAD_ROWS = 8 };

void memory_table_init(struct memory_table *table, uint64_t bytes_max, const struct random *random)
{
    *table = (struct memory_table){.pool.bytes_max = bytes_max, .seed = random_u64(random)};
    memory_rows_init(&table->rows);
    memory_index_init(&table->ids);
    memory_names_init(&table->users, random_u64(random));
    memory_names_init(&table->actions, random_u64(random));
    memory_list_init(&table->all);
}

void memory_table_deinit(struct memory_table *table)
{
    memory_list_deinit(&table->all, &table->pool);
    memory_names_deinit(&table->actions, &table->pool);
    memory_names_deinit(&table->users, &table->pool);
    memory_index_deinit(&table->ids, &table->pool);
    memory_rows_deinit(&table->rows, &table->pool);
    memory_pool_free_texts(&table->pool);
    ASSERT(table->pool.bytes == 0);
}

static uint64_t hash_id(const struct memory_table *table, const struct memory_key *key)
{
    return key->is_uuid ? XXH3_64bits_withSeed(key->uuid.bytes, UUID_BYTES, table->seed)
                        : XXH3_64bits_withSeed(key->id.data, key->id.len, table->seed);
}

struct memory_arrival memory_table_expect(const struct memory_table *table,
                                          const struct activity *activity)
{
    struct memory_arrival arrival = {
        .activity = activity,
        .key = memory_key_make(activity_key_of(activity)),
        .user_hash = memory_names_hash(&table->users, activity->user_id),
        .user = MEMORY_NONE,
    };
    arrival.id_hash = hash_id(table, &arrival.key);
    memory_index_prefetch(&table->ids, arrival.id_hash);
    memory_index_prefetch(&table->users.index, arrival.user_hash);
    return arrival;
}

void memory_table_approach(const struct memory_table *table, struct memory_arrival *arrival)
{
    arrival->user = memory_index_guess(&table->users.index, arrival->user_hash);
    if (arrival->user != MEMORY_NONE) {
        const struct memory_name *name = memory_names_at(&table->users, arrival->user);
        __builtin_prefetch(name);
        __builtin_prefetch(&name->erased_at_ms);
    }
}

void memory_table_approach_user(const struct memory_table *table,
                                const struct memory_arrival *arrival)
{
    if (arrival->user != MEMORY_NONE) {
        __builtin_prefetch(memory_names_at(&table->users, arrival->user)->text);
    }
}

void memory_table_find_user(const struct memory_table *table, struct memory_arrival *arrival)
{
    arrival->user =
        memory_names_find(&table->users, arrival->activity->user_id, arrival->user_hash);
}

static bool has_id(const void *context, const void *wanted, uint32_t value)
{
    return memory_row_has_id(memory_rows_at(context, value), wanted);
}

static uint32_t find_key(const struct memory_table *table, const struct memory_key *key,
                         uint64_t hash)
{
    struct memory_match match = {.same = has_id, .context = &table->rows, .wanted = key};
    return memory_index_find(&table->ids, hash, &match);
}

uint32_t memory_table_find(const struct memory_table *table, const struct memory_arrival *arrival)
{
    return find_key(table, &arrival->key, arrival->id_hash);
}

uint32_t memory_table_find_id(const struct memory_table *table, struct str id)
{
    struct memory_key key = memory_key_make((struct activity_key){.id = id});
    return find_key(table, &key, hash_id(table, &key));
}

bool memory_table_is_erased(const struct memory_table *table, const struct memory_arrival *arrival)
{
    return arrival->user != MEMORY_NONE &&
           arrival->activity->received_at_ms <
               memory_names_at(&table->users, arrival->user)->erased_at_ms;
}

static struct memory_list_context context_of(struct memory_table *table)
{
    return (struct memory_list_context){.rows = &table->rows, .pool = &table->pool};
}

uint32_t memory_table_add(struct memory_table *table, const struct memory_arrival *arrival)
{
    const struct activity *activity = arrival->activity;
    uint32_t user = arrival->user;
    if (user == MEMORY_NONE) {
        user = memory_names_find_or_add(&table->users, &table->pool, activity->user_id,
                                        arrival->user_hash);
    }
    if (user == MEMORY_NONE) {
        return MEMORY_NONE;
    }
    uint64_t action_hash = memory_names_hash(&table->actions, activity->action);
    uint32_t action =
        memory_names_find_or_add(&table->actions, &table->pool, activity->action, action_hash);
    if (action == MEMORY_NONE) {
        memory_names_release_unused(&table->users, &table->pool, user);
        return MEMORY_NONE;
    }
    uint32_t row = memory_rows_add(&table->rows, &table->pool, &arrival->key, activity);
    if (row != MEMORY_NONE &&
        !memory_index_insert(&table->ids, &table->pool, arrival->id_hash, row)) {
        memory_rows_release(&table->rows, &table->pool, row);
        row = MEMORY_NONE;
    }
    if (row == MEMORY_NONE) {
        memory_names_release_unused(&table->users, &table->pool, user);
        memory_names_release_unused(&table->actions, &table->pool, action);
        return MEMORY_NONE;
    }
    memory_rows_at(&table->rows, row)->user = user;
    memory_rows_at(&table->rows, row)->action = action;
    memory_names_hold(&table->users, user);
    memory_names_hold(&table->actions, action);
    return row;
}

static void remove_from_ids(struct memory_table *table, uint32_t row)
{
    struct memory_key key = memory_row_key(memory_rows_at(&table->rows, row));
    memory_index_remove(&table->ids, &table->pool, hash_id(table, &key), row);
}

/* What is in no list any more, or was in none yet. */
static void forget_row(struct memory_table *table, uint32_t row)
{
    uint32_t user = memory_rows_at(&table->rows, row)->user;
    uint32_t action = memory_rows_at(&table->rows, row)->action;
    remove_from_ids(table, row);
    memory_rows_release(&table->rows, &table->pool, row);
    memory_names_drop(&table->users, &table->pool, user);
    memory_names_drop(&table->actions, &table->pool, action);
}

void memory_table_discard(struct memory_table *table, const struct memory_entry *fresh,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        forget_row(table, fresh[i].row);
    }
}

static bool in_order(const struct memory_table *table, const struct memory_entry *a,
                     const struct memory_entry *b)
{
    int order = memory_mark_compare(a->mark, b->mark);
    return order != 0 ? order < 0 : memory_rows_compare(&table->rows, a->row, b->row) <= 0;
}

static bool are_in_order(const struct memory_table *table, const struct memory_entry *fresh,
                         size_t count)
{
    size_t i = 1;
    while (i < count && in_order(table, &fresh[i - 1], &fresh[i])) {
        i++;
    }
    return i >= count;
}

/* Two sorted halves of `from`, which meet at `middle`, into `to`. */
static void merge(const struct memory_table *table, const struct memory_entry *from, size_t middle,
                  size_t count, struct memory_entry *to)
{
    size_t low = 0;
    size_t high = middle;
    for (size_t i = 0; i < count; i++) {
        bool take_low = high == count || (low < middle && in_order(table, &from[low], &from[high]));
        to[i] = from[take_low ? low++ : high++];
    }
}

/* Merge sort from the bottom up. The C library's sort calls a function for each comparison, which
 * costs three times as much. Returns the array in which the rows are sorted. */
static struct memory_entry *sort(const struct memory_table *table, struct memory_entry *fresh,
                                 struct memory_entry *scratch, size_t count)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t left = count - at;
            merge(table, fresh + at, left < width ? left : width,
                  left < 2 * width ? left : 2 * width, scratch + at);
        }
        struct memory_entry *sorted = scratch;
        scratch = fresh;
        fresh = sorted;
    }
    return fresh;
}

static struct memory_list *list_of_user(struct memory_table *table, uint32_t row)
{
    return &memory_names_at(&table->users, memory_rows_at(&table->rows, row)->user)->list;
}

static struct memory_list *list_of_action(struct memory_table *table, uint32_t row)
{
    return &memory_names_at(&table->actions, memory_rows_at(&table->rows, row)->action)->list;
}

/* Puts the row into the three lists, or into none. */
static bool link_row(struct memory_table *table, struct memory_entry entry)
{
    struct memory_list_context context = context_of(table);
    struct memory_list *of_user = list_of_user(table, entry.row);
    struct memory_list *of_action = list_of_action(table, entry.row);
    if (!memory_list_insert(of_user, context, entry)) {
        return false;
    }
    if (!memory_list_insert(of_action, context, entry)) {
        memory_list_remove(of_user, context, entry.row);
        return false;
    }
    if (!memory_list_insert(&table->all, context, entry)) {
        memory_list_remove(of_action, context, entry.row);
        memory_list_remove(of_user, context, entry.row);
        return false;
    }
    return true;
}

static void unlink_row(struct memory_table *table, uint32_t row)
{
    struct memory_list_context context = context_of(table);
    memory_list_remove(list_of_user(table, row), context, row);
    memory_list_remove(list_of_action(table, row), context, row);
    memory_list_remove(&table->all, context, row);
}

/* What linking the rows to come will touch: records, then users' lists, then where these end. */
static void fetch_lists(struct memory_table *table, const struct memory_entry *fresh, size_t count)
{
    if (count > AHEAD_ROWS) {
        memory_list_prefetch(list_of_user(table, fresh[AHEAD_ROWS].row));
    }
    if (count > 2 * AHEAD_ROWS) {
        const struct memory_list *list = list_of_user(table, fresh[2 * AHEAD_ROWS].row);
        __builtin_prefetch(list);
        __builtin_prefetch(&list->last_ms);
    }
    if (count > 3 * AHEAD_ROWS) {
        __builtin_prefetch(memory_rows_at(&table->rows, fresh[3 * AHEAD_ROWS].row));
    }
}

bool memory_table_link(struct memory_table *table, struct memory_entry *fresh,
                       struct memory_entry *scratch, size_t count)
{
    if (!are_in_order(table, fresh, count)) {
        fresh = sort(table, fresh, scratch, count);
    }
    size_t linked = 0;
    while (linked < count && link_row(table, fresh[linked])) {
        linked++;
        fetch_lists(table, fresh + linked, count - linked);
    }
    if (linked == count) {
        return true;
    }
    while (linked > 0) {
        unlink_row(table, fresh[--linked].row);
    }
    return false;
}

void memory_table_remove(struct memory_table *table, uint32_t row)
{
    unlink_row(table, row);
    forget_row(table, row);
}

/* All rows of the user in one pass over every list: quicker when they are many. */
static void remove_user_in_one_pass(struct memory_table *table, struct memory_name *user)
{
    struct memory_list_context context = context_of(table);
    struct memory_list gone = user->list;
    memory_list_init(&user->list);
    user->rows = 0;
    struct memory_place end = memory_list_end(&gone);
    struct memory_place place = memory_list_begin(&gone);
    for (; !memory_place_equal(place, end); place = memory_list_next(&gone, place)) {
        struct memory_row *row = memory_rows_at(&table->rows, memory_list_row(&gone, place));
        memory_names_at(&table->actions, row->action)->rows--;
        row->action = MEMORY_NONE;
    }
    memory_list_remove_marked(&table->all, context);
    for (uint32_t action = 0; action < table->actions.used; action++) {
        struct memory_name *name = memory_names_at(&table->actions, action);
        if (name->text != NULL) {
            memory_list_remove_marked(&name->list, context);
            memory_names_release_unused(&table->actions, &table->pool, action);
        }
    }
    place = memory_list_begin(&gone);
    for (; !memory_place_equal(place, end); place = memory_list_next(&gone, place)) {
        uint32_t row = memory_list_row(&gone, place);
        remove_from_ids(table, row);
        memory_rows_release(&table->rows, &table->pool, row);
    }
    memory_list_deinit(&gone, &table->pool);
}

int64_t memory_table_erased_at_ms(const struct memory_table *table, struct str user_id)
{
    uint64_t hash = memory_names_hash(&table->users, user_id);
    uint32_t user = memory_names_find(&table->users, user_id, hash);
    return user == MEMORY_NONE ? MEMORY_NEVER_ERASED
                               : memory_names_at(&table->users, user)->erased_at_ms;
}

bool memory_table_erase(struct memory_table *table, struct str user_id, int64_t erased_at_ms,
                        uint64_t *out_erased)
{
    uint64_t hash = memory_names_hash(&table->users, user_id);
    uint32_t user = memory_names_find_or_add(&table->users, &table->pool, user_id, hash);
    if (user == MEMORY_NONE) {
        return false;
    }
    struct memory_name *name = memory_names_at(&table->users, user);
    if (name->erased_at_ms < erased_at_ms) {
        name->erased_at_ms = erased_at_ms;
    }
    *out_erased = name->list.count;
    if (name->list.count > table->rows.live / ERASE_SHARE) {
        remove_user_in_one_pass(table, name);
    }
    while (name->list.count > 0) {
        struct memory_place begin = memory_list_begin(&name->list);
        memory_table_remove(table, memory_list_row(&name->list, begin));
    }
    return true;
}

uint64_t memory_table_expire(struct memory_table *table, int64_t before_ms, uint64_t rows_max)
{
    uint64_t expired = 0;
    for (; expired < rows_max && table->all.count > 0; expired++) {
        uint32_t oldest = memory_list_row(&table->all, memory_list_begin(&table->all));
        if (memory_rows_at(&table->rows, oldest)->timestamp_ms >= before_ms) {
            break;
        }
        memory_table_remove(table, oldest);
    }
    return expired;
}

struct activity memory_table_view(const struct memory_table *table, uint32_t row,
                                  char space[UUID_TEXT_BYTES])
{
    const struct memory_row *record = memory_rows_at(&table->rows, row);
    return (struct activity){
        .id = memory_row_id(record, space),
        .user_id = memory_names_text(&table->users, record->user),
        .action = memory_names_text(&table->actions, record->action),
        .metadata = memory_row_metadata(record),
        .timestamp_ms = record->timestamp_ms,
        .received_at_ms = record->received_at_ms,
    };
}

bool memory_table_copy(const struct memory_table *table, uint32_t row, struct arena *arena,
                       struct activity *out_activity)
{
    char space[UUID_TEXT_BYTES];
    struct activity view = memory_table_view(table, row, space);
    return activity_copy(arena, &view, out_activity);
}
