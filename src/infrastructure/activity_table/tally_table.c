#include "infrastructure/activity_table/tally_table.h"

#include "base/assert.h"
#include "base/macros.h"

#include <stdlib.h>
#include <xxhash.h>

enum { FIRST_GROUPS = 64, SLOTS_PER_GROUP = 2 };

struct tally_group {
    struct activity_group group;
    uint64_t hash;
    uint64_t row; /* that was counted last, of those whose metadata is looked at */
};

void tally_table_init(struct tally_table *table, const struct activity_tally_request *request,
                      uint64_t seed)
{
    ASSERT(request->groups_max <= UINT32_MAX / SLOTS_PER_GROUP / 2);
    *table = (struct tally_table){.request = request, .seed = seed};
    arena_init(&table->names, TALLY_NAME_BYTES_MAX);
    buffer_init(&table->scratch, TALLY_NAME_BYTES_MAX);
}

void tally_table_deinit(struct tally_table *table)
{
    arena_deinit(&table->names);
    buffer_deinit(&table->scratch);
    free(table->groups);
    free(table->slots);
}

/* Groups ------------------------------------------------------------------------------------ */

static uint64_t hash_of(const struct tally_table *table, const struct activity_group *group)
{
    return group->name.data == NULL
               ? XXH3_64bits_withSeed(&group->start_ms, sizeof group->start_ms, table->seed)
               : XXH3_64bits_withSeed(group->name.data, group->name.len, table->seed);
}

static bool is_same(const struct activity_group *a, const struct activity_group *b)
{
    return a->start_ms == b->start_ms && str_equal(a->name, b->name);
}

/* Where the group is named, or the free slot where it would be. */
static uint32_t find_slot(const struct tally_table *table, const struct tally_group *wanted)
{
    uint32_t mask = table->slot_count - 1;
    uint32_t slot = (uint32_t)wanted->hash & mask;
    while (table->slots[slot] != 0) {
        const struct tally_group *found = &table->groups[table->slots[slot] - 1];
        if (found->hash == wanted->hash && is_same(&found->group, &wanted->group)) {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Twice as many groups as before, with all slots filled anew. */
static bool grow(struct tally_table *table)
{
    uint32_t capacity = table->capacity == 0 ? FIRST_GROUPS : table->capacity * 2;
    struct tally_group *groups = realloc(table->groups, capacity * sizeof *groups);
    if (groups == NULL) {
        return false;
    }
    table->groups = groups;
    uint32_t *slots = calloc((size_t)capacity * SLOTS_PER_GROUP, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * SLOTS_PER_GROUP;
    table->capacity = capacity;
    for (uint32_t i = 0; i < table->count; i++) {
        slots[find_slot(table, &groups[i])] = i + 1;
    }
    return true;
}

static enum status insert(struct tally_table *table, struct tally_group *made)
{
    if (table->count == table->request->groups_max) {
        return STATUS_TOO_LARGE;
    }
    if (table->count == table->capacity && !grow(table)) {
        return STATUS_NO_MEMORY;
    }
    if (made->group.name.data != NULL) {
        bool fits = made->group.name.len <= TALLY_NAME_BYTES_MAX - table->names.bytes_used;
        made->group.name = arena_copy_str(&table->names, made->group.name);
        if (made->group.name.data == NULL) {
            return fits ? STATUS_NO_MEMORY : STATUS_TOO_LARGE;
        }
    }
    table->slots[find_slot(table, made)] = table->count + 1;
    table->last = table->count;
    table->groups[table->count++] = *made;
    return STATUS_OK;
}

static enum status add(struct tally_table *table, const struct activity_group *added)
{
    struct tally_group wanted = {.group = *added};
    if (added->count == 0) {
        return STATUS_OK;
    }
    if (table->count > 0 && is_same(&table->groups[table->last].group, added)) {
        table->groups[table->last].group.count += added->count;
        return STATUS_OK;
    }
    wanted.hash = hash_of(table, added);
    uint32_t known = table->count == 0 ? 0 : table->slots[find_slot(table, &wanted)];
    if (known == 0) {
        return insert(table, &wanted);
    }
    table->last = known - 1;
    table->groups[known - 1].group.count += added->count;
    return STATUS_OK;
}

enum status tally_table_add_name(struct tally_table *table, struct str name, uint64_t count)
{
    return add(table, &(struct activity_group){.name = name, .count = count});
}

enum status tally_table_add_time(struct tally_table *table, int64_t timestamp_ms, uint64_t count)
{
    int64_t interval_ms = activity_tally_interval_ms(table->request);
    int64_t start_ms = activity_interval_start_ms(interval_ms, timestamp_ms);
    return add(table, &(struct activity_group){.start_ms = start_ms, .count = count});
}

/* One value of a row's metadata, which counts once however often it stands there. */
static enum status add_value(struct tally_table *table, struct str text)
{
    struct tally_group wanted = {.group = {.name = text, .count = 1}, .row = table->rows};
    wanted.hash = hash_of(table, &wanted.group);
    uint32_t known = table->count == 0 ? 0 : table->slots[find_slot(table, &wanted)];
    if (known == 0) {
        return insert(table, &wanted);
    }
    struct tally_group *group = &table->groups[known - 1];
    group->group.count += group->row == table->rows ? 0 : 1;
    group->row = table->rows;
    return STATUS_OK;
}

struct value_walk {
    struct metadata_walk walk;
    struct tally_table *table;
    enum status status;
};

static bool take_value(struct metadata_walk *walk, enum metadata_leaf leaf, struct str taken)
{
    struct value_walk *values = CONTAINER_OF(walk, struct value_walk, walk);
    struct tally_table *table = values->table;
    struct str text;
    bool has_text = metadata_leaf_text(leaf, taken, &table->scratch, &text);
    if (table->scratch.failed != STATUS_OK) {
        values->status = STATUS_NO_MEMORY;
    } else if (has_text) {
        values->status = add_value(table, text);
    }
    return values->status == STATUS_OK;
}

enum status tally_table_add_metadata(struct tally_table *table, struct str metadata)
{
    struct value_walk values = {.walk = {.path = table->request->path, .take = take_value},
                                .table = table};
    table->rows++;
    bool ended = metadata_walk_run(&values.walk, metadata);
    (void)ended; /* what is no JSON has the values that were found in it */
    return values.status;
}

enum status tally_table_add_row(struct tally_table *table, const struct activity *row)
{
    switch (table->request->grouping) {
    case GROUP_BY_ACTION:
        return tally_table_add_name(table, row->action, 1);
    case GROUP_BY_USER:
        return tally_table_add_name(table, row->user_id, 1);
    case GROUP_BY_METADATA:
        return tally_table_add_metadata(table, row->metadata);
    default:
        return tally_table_add_time(table, row->timestamp_ms, 1);
    }
}

/* Answer ------------------------------------------------------------------------------------ */

/* The groups that come first of those seen so far: a heap with the last of them on top. */
struct firsts {
    struct activity_group *groups;
    size_t count;
    size_t limit;
};

static void sift_down(struct firsts *firsts, struct activity_group sifted)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < firsts->count &&
            activity_group_comes_first(&firsts->groups[child], &firsts->groups[child + 1])) {
            child++;
        }
        if (child >= firsts->count ||
            !activity_group_comes_first(&sifted, &firsts->groups[child])) {
            break;
        }
        firsts->groups[at] = firsts->groups[child];
        at = child;
    }
    firsts->groups[at] = sifted;
}

static void offer(struct firsts *firsts, const struct activity_group *group)
{
    if (firsts->count == firsts->limit) {
        if (activity_group_comes_first(group, &firsts->groups[0])) {
            sift_down(firsts, *group);
        }
        return;
    }
    size_t at = firsts->count++;
    for (; at > 0 && activity_group_comes_first(&firsts->groups[(at - 1) / 2], group);
         at = (at - 1) / 2) {
        firsts->groups[at] = firsts->groups[(at - 1) / 2];
    }
    firsts->groups[at] = *group;
}

static void sort(struct firsts *firsts)
{
    for (size_t count = firsts->count; count > 1; count--) {
        struct activity_group last = firsts->groups[0];
        firsts->count = count - 1;
        sift_down(firsts, firsts->groups[count - 1]);
        firsts->groups[count - 1] = last;
    }
}

enum status tally_table_answer(const struct tally_table *table, struct arena *arena,
                               struct activity_tally *out_tally)
{
    size_t limit = table->request->limit < table->count ? table->request->limit : table->count;
    struct firsts firsts = {.limit = limit};
    firsts.groups = arena_allocate(arena, limit * sizeof *firsts.groups);
    if (firsts.groups == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < table->count; i++) {
        offer(&firsts, &table->groups[i].group);
    }
    sort(&firsts);
    for (size_t i = 0; i < limit; i++) {
        struct str *name = &firsts.groups[i].name;
        if (name->data != NULL) {
            *name = arena_copy_str(arena, *name);
            if (name->data == NULL) {
                return STATUS_NO_MEMORY;
            }
        }
    }
    *out_tally = (struct activity_tally){
        .groups = firsts.groups, .count = limit, .more = table->count > limit};
    return STATUS_OK;
}
