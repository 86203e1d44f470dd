#include "application/walk_activities.h"

void walk_activities_init(struct walk_activities *walk, struct activity_store *store,
                          const struct activity_page_request *request)
{
    *walk = (struct walk_activities){.store = store, .request = *request};
}

static void take_place(struct walk_activities *walk, const struct activity *last)
{
    memcpy(walk->place_id, last->id.data, last->id.len);
    walk->place = (struct activity_key){last->timestamp_ms, {walk->place_id, last->id.len}};
    walk->request.after = &walk->place;
}

enum status walk_activities_next(struct walk_activities *walk, struct arena *arena,
                                 struct activity_page *out_page, struct error *err)
{
    if (walk->ended) {
        *out_page = (struct activity_page){0};
        return STATUS_OK;
    }
    enum status status = activity_store_find(walk->store, &walk->request, arena, out_page, err);
    if (status != STATUS_OK) {
        return status;
    }
    walk->ended = !out_page->more || out_page->count == 0;
    if (out_page->count > 0) {
        take_place(walk, &out_page->rows[out_page->count - 1]);
    }
    return STATUS_OK;
}
