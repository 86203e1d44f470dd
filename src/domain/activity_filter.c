#include "domain/activity_filter.h"

#include "base/assert.h"
#include "base/timestamp.h"

bool name_list_has(const struct name_list *list, struct str name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i], name)) {
            return true;
        }
    }
    return false;
}

enum status name_list_add(struct name_list *list, struct str *room, size_t max, struct str name)
{
    if (name_list_has(list, name)) {
        return STATUS_OK;
    }
    if (list->count == max) {
        return STATUS_TOO_LARGE;
    }
    list->items = room;
    room[list->count++] = name;
    return STATUS_OK;
}

void name_choice_make(const struct name_list *wanted, const struct name_list *excluded,
                      struct name_choice *out_choice)
{
    bool wants = wanted->count > 0;
    const struct name_list *named = wants ? wanted : excluded;
    ASSERT(named->count <= FILTER_NAMES_MAX);
    out_choice->sense = wants ? ONE_OF : named->count > 0 ? NONE_OF : ANY_NAME;
    out_choice->count = 0;
    for (size_t i = 0; i < named->count; i++) {
        if (!wants || !name_list_has(excluded, named->items[i])) {
            out_choice->names[out_choice->count++] = named->items[i];
        }
    }
}

enum name_sense name_choice_sense(const struct name_choice *choice, size_t known)
{
    return choice->sense == NONE_OF && known == 0 ? ANY_NAME : choice->sense;
}

struct activity_filter activity_filter_all(void)
{
    return (struct activity_filter){.from_ms = TIMESTAMP_MS_MIN, .to_ms = TIMESTAMP_MS_MAX + 1};
}

bool activity_filter_matches_metadata(const struct activity_filter *filter, struct str metadata)
{
    const struct metadata_filter *excluded = filter->excluded.metadata;
    return (filter->metadata == NULL || metadata_filter_matches(filter->metadata, metadata)) &&
           (excluded == NULL || !metadata_filter_finds_any(excluded, metadata));
}

static bool matches_one(const struct name_list *names, struct str name)
{
    return names->count == 0 || name_list_has(names, name);
}

bool activity_filter_matches(const struct activity_filter *filter, const struct activity *activity)
{
    const struct activity_exclusions *excluded = &filter->excluded;
    return activity->timestamp_ms >= filter->from_ms && activity->timestamp_ms < filter->to_ms &&
           matches_one(&filter->user_ids, activity->user_id) &&
           matches_one(&filter->actions, activity->action) &&
           !name_list_has(&excluded->user_ids, activity->user_id) &&
           !name_list_has(&excluded->actions, activity->action) &&
           activity_filter_matches_metadata(filter, activity->metadata);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++) {
        unsigned char byte = (unsigned char)(number >> (8 * i));
        hash = hash_bytes(hash, &byte, 1);
    }
    return hash;
}

static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_list(const struct name_list *names)
{
    uint64_t sum = names->count;
    for (size_t i = 0; i < names->count; i++) {
        sum += hash_bytes(hash_start, names->items[i].data, names->items[i].len);
    }
    return sum;
}

/* Lengths stand before the texts, so that no text can be taken for two. */
static uint64_t hash_text(uint64_t hash, struct str text)
{
    return hash_bytes(hash_number(hash, text.len), text.data, text.len);
}

/* Each value with its path, so that their order does not matter. */
static uint64_t hash_metadata(uint64_t hash_before, const struct metadata_filter *metadata)
{
    size_t count = metadata_filter_value_count(metadata);
    uint64_t sum = count;
    if (count == 0) {
        return hash_before;
    }
    for (size_t i = 0; i < count; i++) {
        const struct metadata_value *value = &metadata->values[i];
        const struct metadata_path *path = &metadata->paths[value->path];
        uint64_t hash = hash_number(hash_start, path->member_count);
        for (size_t member = 0; member < path->member_count; member++) {
            hash = hash_text(hash, metadata_path_member(path, member));
        }
        sum += hash_text(hash, value->text);
    }
    return hash_number(hash_before, sum);
}

static bool excludes_any(const struct activity_exclusions *excluded)
{
    return excluded->user_ids.count > 0 || excluded->actions.count > 0 ||
           metadata_filter_value_count(excluded->metadata) > 0;
}

/* Behind a word of its own, so that what is excluded is not taken for what is asked for. */
static uint64_t hash_exclusions(uint64_t hash, const struct activity_exclusions *excluded)
{
    hash = hash_text(hash, STR("not"));
    hash = hash_number(hash, hash_list(&excluded->user_ids));
    hash = hash_number(hash, hash_list(&excluded->actions));
    return hash_metadata(hash, excluded->metadata);
}

uint64_t activity_filter_hash(const struct activity_filter *filter)
{
    uint64_t hash = hash_start;
    hash = hash_number(hash, hash_list(&filter->user_ids));
    hash = hash_number(hash, hash_list(&filter->actions));
    hash = hash_number(hash, (uint64_t)filter->from_ms);
    hash = hash_number(hash, (uint64_t)filter->to_ms);
    hash = hash_metadata(hash, filter->metadata);
    return excludes_any(&filter->excluded) ? hash_exclusions(hash, &filter->excluded) : hash;
}
