/*
 * GET of all that is known of one user, as lines, page by page (api_pages.h): the activities as an
 * export has them, oldest first, then what was refused of the user as the refused list shows it,
 * newest first, and a last line that counts both, without which the answer is not complete.
 *
 * The user stands in the path, percent-encoded, or in the query string: proxies decode a "%2F" in a
 * path, and a user id may hold a "/".
 */
#include "application/list_refusals.h"
#include "application/walk_activities.h"
#include "base/json_text.h"
#include "interfaces/api/api_pages.h"
#include "interfaces/api/api_query_string.h"

enum {
    PAGE_ROWS = 2000,
    PAGE_ENTRIES = 500,
    PAGE_BYTES_MAX = 512 * 1024, /* of the texts of either, beyond the first one */
    /* A refused message has 4 MiB at most, of which escaping makes six times as much. */
    TEXT_BYTES_MAX = 32 * 1024 * 1024
};

struct user_export {
    struct api_pages pages;
    struct str user_id;
    struct walk_activities walk;
    struct refusal_page_request refusals; /* of the next page */
    struct refusal_place place;           /* of the last entry that was seen */
    bool refusals_ended;
    uint64_t activity_count; /* so far, as of the next one */
    uint64_t refusal_count;
};

/* --- on a pool thread --- */

static void read_activities(struct user_export *export)
{
    struct api_pages *pages = &export->pages;
    struct buffer *text = &pages->text;
    struct activity_page page;
    export->walk.request.deadline_ns = pages->deadline_ns;
    pages->status = walk_activities_next(&export->walk, &pages->rows, &page, &pages->err);
    for (size_t i = 0; pages->status == STATUS_OK && i < page.count; i++) {
        buffer_append_literal(text, "{\"type\":\"activity\",\"data\":");
        activity_json_append(text, &page.rows[i]);
        buffer_append_literal(text, "}\n");
        export->activity_count++;
    }
}

static void read_refusals(struct user_export *export)
{
    struct api_pages *pages = &export->pages;
    struct buffer *text = &pages->text;
    struct refusal_page page;
    pages->status = refusal_list_find(pages->config->refusals->list, &export->refusals,
                                      &pages->rows, &page, &pages->err);
    if (pages->status != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < page.count; i++) {
        buffer_append_literal(text, "{\"type\":\"refused\",\"data\":");
        list_refusals_append_json(text, &page.entries[i]);
        buffer_append_literal(text, "}\n");
        export->refusal_count++;
    }
    export->refusals_ended = !page.more || page.count == 0;
    if (page.count > 0) {
        refusal_place_take(&export->place, &page.entries[page.count - 1]);
        export->refusals.after = &export->place.entry;
    }
}

static void end(struct user_export *export)
{
    struct buffer *text = &export->pages.text;
    buffer_append_literal(text, "{\"type\":\"end\",\"userId\":");
    json_text_append_string(text, export->user_id);
    buffer_append_literal(text, ",\"activities\":");
    buffer_append_u64(text, export->activity_count);
    buffer_append_literal(text, ",\"refused\":");
    buffer_append_u64(text, export->refusal_count);
    buffer_append_literal(text, "}\n");
    export->pages.ended = true;
}

/* Most users have one page of both, or nothing of one. */
static void read_page(struct api_pages *pages)
{
    struct user_export *export = CONTAINER_OF(pages, struct user_export, pages);
    if (!export->walk.ended) {
        read_activities(export);
    }
    if (pages->status == STATUS_OK && export->walk.ended) {
        read_refusals(export);
    }
    if (pages->status == STATUS_OK && export->refusals_ended) {
        end(export);
    }
}

/* --- the request --- */

static void prepare(struct user_export *export)
{
    static const struct http_header headers[] = {
        {{"Content-Disposition", 19}, {"attachment; filename=\"user.ndjson\"", 34}},
        {{"Cache-Control", 13}, {"no-store", 8}}};
    struct api_pages *pages = &export->pages;
    struct activity_filter filter = activity_filter_all();
    filter.user_ids.items = &export->user_id;
    filter.user_ids.count = 1;
    walk_activities_init(&export->walk, pages->config->store,
                         &(struct activity_page_request){.filter = filter,
                                                         .order = ORDER_OLDEST_FIRST,
                                                         .limit = PAGE_ROWS,
                                                         .bytes_max = PAGE_BYTES_MAX});
    export->refusals = (struct refusal_page_request){
        .limit = PAGE_ENTRIES, .bytes_max = PAGE_BYTES_MAX, .user_id = export->user_id};
    pages->head.content_type = STR("application/x-ndjson");
    pages->head.headers = headers;
    pages->head.header_count = ARRAY_LENGTH(headers);
}

/* Whose activities are asked for, and whether there can be any, as for other questions about one
 * user. */
static enum status read_question(const struct api_call *call, struct user_export *export,
                                 bool by_query, bool *out_can_be)
{
    struct rejection rejection;
    struct api_pages *pages = &export->pages;
    enum status status = api_user_export_question_read(pages->query, by_query, &pages->question,
                                                       &export->user_id, &pages->err);
    enum status decoded = STATUS_OK;
    if (status == STATUS_OK && !by_query) {
        decoded = api_percent_decode(call->rest, false, &pages->question, &export->user_id);
        status = decoded == STATUS_INVALID ? STATUS_OK : decoded;
    }
    rejection_init(&rejection);
    *out_can_be = decoded == STATUS_OK && activity_rules_check_user_id(call->api->config.rules,
                                                                       export->user_id, &rejection);
    return status;
}

static void export_user(const struct api_call *call, bool by_query)
{
    static const struct api_pages_kind kind = {
        .bytes = sizeof(struct user_export), .text_bytes_max = TEXT_BYTES_MAX, .read = read_page};
    CLEANUP(api_pages_free) struct api_pages *pages = api_pages_new(call, &kind);
    if (pages == NULL) {
        return;
    }
    bool can_be = false;
    struct user_export *export = CONTAINER_OF(pages, struct user_export, pages);
    enum status status = read_question(call, export, by_query, &can_be);
    if (status == STATUS_OK && !can_be) {
        api_answer_problem_type(call->exchange, API_PROBLEM_NO_SUCH_USER,
                                "there can be no activities of this user");
        return;
    }
    if (status == STATUS_OK && !api_access_covers(call, export->user_id)) {
        return;
    }
    if (status == STATUS_OK) {
        prepare(export);
    }
    api_pages_start(call, TAKE(pages), status);
}

void api_user_export(const struct api_call *call)
{
    export_user(call, false);
}

void api_user_export_of_query(const struct api_call *call)
{
    export_user(call, true);
}
