/*
 * GET of all activities that match, as lines or for spreadsheets, page by page (api_pages.h).
 */
#include "application/activity_csv.h"
#include "application/walk_activities.h"
#include "interfaces/api/api_pages.h"
#include "interfaces/api/api_query_string.h"

enum {
    PAGE_ROWS = 2000,
    PAGE_BYTES_MAX = 512 * 1024, /* of the rows' texts */
    TEXT_BYTES_MAX = 16 * 1024 * 1024
};

struct export
{
    struct api_pages pages;
    struct api_export_question question;
    struct walk_activities walk;
};

/* --- on a pool thread --- */

static void render_rows(struct export *export, const struct activity_page *page)
{
    struct buffer *text = &export->pages.text;
    if (export->question.csv && !export->pages.begun) {
        buffer_append_literal(text, ACTIVITY_CSV_HEADER);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (export->question.csv) {
            activity_csv_append(text, &page->rows[i]);
        } else {
            activity_json_append(text, &page->rows[i]);
            buffer_append_char(text, '\n');
        }
    }
}

static void read_page(struct api_pages *pages)
{
    struct export *export = CONTAINER_OF(pages, struct export, pages);
    struct activity_page page;
    export->walk.request.deadline_ns = pages->deadline_ns;
    pages->status = walk_activities_next(&export->walk, &pages->rows, &page, &pages->err);
    if (pages->status == STATUS_OK) {
        render_rows(export, &page);
        pages->ended = export->walk.ended;
    }
}

/* --- the request --- */

static void set_head(struct export *export)
{
    static const struct http_header as_lines[] = {
        {{"Content-Disposition", 19}, {"attachment; filename=\"activities.ndjson\"", 40}},
        {{"Cache-Control", 13}, {"no-store", 8}}};
    static const struct http_header as_csv[] = {
        {{"Content-Disposition", 19}, {"attachment; filename=\"activities.csv\"", 37}},
        {{"Cache-Control", 13}, {"no-store", 8}}};
    bool csv = export->question.csv;
    struct http_response *head = &export->pages.head;
    head->content_type =
        csv ? STR("text/csv; charset=utf-8; header=present") : STR("application/x-ndjson");
    head->headers = csv ? as_csv : as_lines;
    head->header_count = ARRAY_LENGTH(as_csv);
}

static void begin_walk(struct export *export)
{
    const struct find_activities_question *find = &export->question.find;
    walk_activities_init(&export->walk, export->pages.config->store,
                         &(struct activity_page_request){.filter = find->filter,
                                                         .order = find->order,
                                                         .limit = PAGE_ROWS,
                                                         .bytes_max = PAGE_BYTES_MAX});
    set_head(export);
}

void api_export(const struct api_call *call)
{
    static const struct api_pages_kind kind = {
        .bytes = sizeof(struct export), .text_bytes_max = TEXT_BYTES_MAX, .read = read_page};
    CLEANUP(api_pages_free) struct api_pages *pages = api_pages_new(call, &kind);
    if (pages == NULL) {
        return;
    }
    struct export *export = CONTAINER_OF(pages, struct export, pages);
    enum status status =
        api_export_question_read(pages->query, &pages->question, &export->question, &pages->err);
    if (status == STATUS_OK &&
        !api_access_narrows(call, &export->question.find.filter, export->question.texts.user_ids,
                            &pages->question)) {
        return;
    }
    if (status == STATUS_OK) {
        begin_walk(export);
    }
    api_pages_start(call, TAKE(pages), status);
}
