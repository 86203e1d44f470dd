#include "application/refusal_list.h"

#include "base/assert.h"
#include "domain/activity_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum status refusal_list_add(struct refusal_list *list, struct uuid log_id,
                             const struct refusal *refusals, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT(refusals[i].reason.len > 0 && refusals[i].position.offset >= 0);
    }
    return count == 0 ? STATUS_OK : list->operations->add(list, log_id, refusals, count, err);
}

enum status refusal_list_find(struct refusal_list *list, const struct refusal_page_request *request,
                              struct arena *arena, struct refusal_page *out_page, struct error *err)
{
    ASSERT(request->limit >= 1);
    enum status status = list->operations->find(list, request, arena, out_page, err);
    ASSERT(status != STATUS_OK || out_page->count <= request->limit);
    return status;
}

enum status refusal_list_get(struct refusal_list *list, struct str id, struct arena *arena,
                             struct refusal_entry *out_entry, struct error *err)
{
    return list->operations->get(list, id, arena, out_entry, err);
}

enum status refusal_list_remove(struct refusal_list *list, struct str id, struct error *err)
{
    return list->operations->remove(list, id, err);
}

enum status refusal_list_forget(struct refusal_list *list, struct str user_id,
                                uint64_t *out_forgotten, struct error *err)
{
    ASSERT(user_id.len >= 1 && user_id.len <= USER_ID_BYTES_MAX);
    enum status status = list->operations->forget(list, user_id, out_forgotten, err);
    ASSERT(status != STATUS_NOT_FOUND);
    return status;
}

void refusal_list_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    list->operations->describe(list, out_state);
    ASSERT(out_state->kind != NULL);
}

void refusal_list_free(struct refusal_list *list)
{
    if (list != NULL) {
        list->operations->free(list);
    }
}

void refusal_place_take(struct refusal_place *place, const struct refusal_entry *last)
{
    size_t id_len = last->id.len < sizeof place->id ? last->id.len : sizeof place->id;
    memcpy(place->id, last->id.data, id_len);
    place->entry =
        (struct refusal_entry){.id = {place->id, id_len}, .refused_at_ms = last->refused_at_ms};
}

void refusal_entry_write_id(struct uuid log_id, struct position position,
                            char out_id[REFUSAL_ID_BYTES])
{
    char log_text[UUID_TEXT_BYTES];
    uuid_format(log_id, log_text);
    snprintf(out_id, REFUSAL_ID_BYTES, "%.*s-%" PRId32 "-%" PRId64, UUID_TEXT_BYTES, log_text,
             position.partition, position.offset);
}

static bool copy_text(struct arena *arena, struct str *text)
{
    if (text->data != NULL) {
        *text = arena_copy_str(arena, *text);
        return text->data != NULL;
    }
    return true;
}

bool refusal_entry_copy(struct arena *arena, const struct refusal_entry *from,
                        struct refusal_entry *out_copy)
{
    struct refusal_entry copy = *from;
    if (!copy_text(arena, &copy.id) || !copy_text(arena, &copy.refusal.key) ||
        !copy_text(arena, &copy.refusal.raw) || !copy_text(arena, &copy.refusal.reason)) {
        return false;
    }
    *out_copy = copy;
    return true;
}
