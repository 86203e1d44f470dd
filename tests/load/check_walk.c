#include "check_walk.h"

#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CURSOR_BYTES_MAX = 2048, TARGET_BYTES_MAX = 8192, BUSY_PAUSE_MS = 100 };

static void pause_ms(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000,
                                   .tv_nsec = milliseconds % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static void get_page(struct http_getter *getter, const char *target, struct http_response *response)
{
    for (;;) {
        http_get(getter, target, response);
        if (response->status == 200)
            return;
        if (response->status != 503 || tool_now_ns() > getter->deadline_ns)
            tool_fail(TOOL_WRONG, "GET %s answered %u: %.*s", target, response->status,
                      response->body_len < 400 ? (int)response->body_len : 400, response->body);
        pause_ms(BUSY_PAUSE_MS);
    }
}

// Writes the text so that it may stand in a query.
static void put_escaped(char *out, const char *text, size_t len)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (size_t index = 0; index < len; index++) {
        if (text[index] != '\0' && strchr(plain, text[index]) != NULL) {
            *out++ = text[index];
            continue;
        }
        *out++ = '%';
        *out++ = "0123456789ABCDEF"[(unsigned char)text[index] >> 4];
        *out++ = "0123456789ABCDEF"[(unsigned char)text[index] & 15];
    }
    *out = '\0';
}

// Visits the page's rows. True when another page follows; its cursor is then in `cursor`.
static bool take_page(yyjson_val *page, check_row *visit, void *visitor, char *cursor)
{
    yyjson_val *rows = yyjson_obj_get(page, "data");
    yyjson_val *next = yyjson_obj_get(page, "nextCursor");
    char escaped[CURSOR_BYTES_MAX * 3 + 1];
    size_t index;
    size_t count;
    yyjson_val *row;
    if (!yyjson_is_arr(rows) || !(yyjson_is_str(next) || yyjson_is_null(next)))
        tool_fail(TOOL_WRONG, "a page without \"data\" or \"nextCursor\"");
    yyjson_arr_foreach(rows, index, count, row) visit(visitor, row);
    if (yyjson_is_null(next))
        return false;
    if (yyjson_get_len(next) == 0 || yyjson_get_len(next) > CURSOR_BYTES_MAX)
        tool_fail(TOOL_WRONG, "a cursor of %zu bytes", yyjson_get_len(next));
    put_escaped(escaped, yyjson_get_str(next), yyjson_get_len(next));
    if (count == 0 || strcmp(escaped, cursor) == 0)
        tool_fail(TOOL_WRONG, "the pages do not lead on: cursor %s", escaped);
    memcpy(cursor, escaped, strlen(escaped) + 1);
    return true;
}

void check_walk(struct http_getter *getter, const char *path, const char *query, check_row *visit,
                void *visitor)
{
    char cursor[CURSOR_BYTES_MAX * 3 + 1] = "";
    char target[TARGET_BYTES_MAX];
    struct http_response response;
    for (bool more = true; more;) {
        int len = snprintf(target, sizeof target, "%s?limit=1000%s%s%s", path, query,
                           cursor[0] != '\0' ? "&cursor=" : "", cursor);
        if (len >= (int)sizeof target)
            tool_fail(TOOL_USAGE, "--path is too long");
        get_page(getter, target, &response);
        yyjson_doc *document = yyjson_read_opts(response.body, response.body_len,
                                                YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
        if (document == NULL)
            tool_fail(TOOL_WRONG, "GET %s answered 200 with a body that is no JSON", target);
        more = take_page(yyjson_doc_get_root(document), visit, visitor, cursor);
        yyjson_doc_free(document);
    }
}
