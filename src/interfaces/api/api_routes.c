#include "base/assert.h"
#include "interfaces/api/api_link.h"
#include "interfaces/api/api_media.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>

/* Operations, by the names that they have in the document at /openapi.json --------------------- */

#define FIELD(name) API_FIELD_BIT(API_FIELD_##name)

static const struct api_operation list_activities = {
    .handle = api_find_list,
    .parameters = &api_list_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
    .is_for_viewers = true,
};
static const struct api_operation record_activities = {
    .begin = api_media_begin,
    .handle = api_media_post,
    .parameters = &api_post_parameters,
    .fields = FIELD(ACCEPT) | FIELD(CE) | FIELD(CONTENT_ENCODING) | FIELD(CONTENT_TYPE) |
              FIELD(IDEMPOTENCY_KEY),
    .needs = ACCESS_WRITE,
    .limits_users = true,
};
static const struct api_operation export_activities = {
    .handle = api_export,
    .parameters = &api_export_parameters,
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation stream_activities = {
    .handle = api_stream,
    .parameters = &api_stream_parameters,
    .fields = FIELD(LAST_EVENT_ID),
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation get_activity = {
    .handle = api_find_one,
    .parameters = &api_one_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
    .is_for_viewers = true,
};
static const struct api_operation count_activities = {
    .handle = api_stats,
    .parameters = &api_stats_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation summarize_user = {
    .handle = api_user,
    .parameters = &api_summary_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation summarize_user_of_query = {
    .handle = api_user_of_query,
    .parameters = &api_summary_of_query_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation erase_user = {
    .handle = api_erase_user,
    .needs = ACCESS_ERASE,
    .limits_users = true,
};
static const struct api_operation erase_user_of_query = {
    .handle = api_erase_user_of_query,
    .parameters = &api_user_parameters,
    .needs = ACCESS_ERASE,
    .limits_users = true,
};
static const struct api_operation list_activities_of_user = {
    .handle = api_timeline,
    .parameters = &api_timeline_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
    .is_for_viewers = true,
};
static const struct api_operation list_activities_of_user_of_query = {
    .handle = api_timeline_of_query,
    .parameters = &api_list_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_READ,
    .limits_users = true,
    .is_for_viewers = true,
};
static const struct api_operation export_user = {
    .handle = api_user_export,
    .parameters = &api_user_export_parameters,
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation export_user_of_query = {
    .handle = api_user_export_of_query,
    .parameters = &api_user_export_of_query_parameters,
    .needs = ACCESS_READ,
    .limits_users = true,
};
static const struct api_operation make_viewer_link = {
    .begin = api_link_begin,
    .handle = api_link_post,
    .needs = ACCESS_READ | ACCESS_ADMIN,
    .limits_users = true,
};
static const struct api_operation list_refused = {
    .handle = api_refused,
    .parameters = &api_refused_parameters,
    .fields = FIELD(IF_NONE_MATCH),
    .needs = ACCESS_ADMIN,
};
static const struct api_operation resend_refused = {
    .begin = api_resend_begin,
    .handle = api_resend_one,
    .needs = ACCESS_ADMIN,
};
static const struct api_operation resend_refused_page = {
    .begin = api_resend_begin,
    .handle = api_resend_page,
    .parameters = &api_refused_parameters,
    .needs = ACCESS_ADMIN,
};
static const struct api_operation get_accounting = {
    .handle = api_accounting,
    .needs = ACCESS_ADMIN,
};
static const struct api_operation get_checkpoint = {
    .handle = api_checkpoint,
    .needs = ACCESS_ADMIN,
};
static const struct api_operation probe_live = {.handle = api_probe_live, .is_open = true};
static const struct api_operation probe_ready = {
    .handle = api_probe_ready,
    .parameters = &api_verbose_parameters,
    .is_open = true,
};
static const struct api_operation get_health = {.handle = api_probe_health, .is_open = true};
static const struct api_operation get_metrics = {.handle = api_metrics, .is_open = true};
static const struct api_operation get_openapi = {.handle = api_openapi,
                                                 .fields =
                                                     FIELD(ACCEPT_ENCODING) | FIELD(IF_NONE_MATCH),
                                                 .is_open = true};
static const struct api_operation get_docs = {
    .handle = api_docs, .fields = FIELD(ACCEPT_ENCODING) | FIELD(IF_NONE_MATCH), .is_open = true};
static const struct api_operation get_docs_file = {.handle = api_docs_file,
                                                   .fields = FIELD(ACCEPT_ENCODING) |
                                                             FIELD(IF_NONE_MATCH),
                                                   .is_open = true};
static const struct api_operation get_dashboard = {.handle = api_dashboard,
                                                   .fields = FIELD(ACCEPT_ENCODING) |
                                                             FIELD(IF_NONE_MATCH),
                                                   .is_open = true};
static const struct api_operation get_dashboard_file = {.handle = api_dashboard_file,
                                                        .fields = FIELD(ACCEPT_ENCODING) |
                                                                  FIELD(IF_NONE_MATCH),
                                                        .is_open = true};

/* Routes ------------------------------------------------------------------------------------ */

#define PATH(text)        .path = {text, sizeof(text) - 1}
#define BEHIND_ID(text)   .has_id = true, .behind_id = {text, sizeof(text) - 1}
#define GET(operation)    [HTTP_METHOD_GET] = &(operation)
#define POST(operation)   [HTTP_METHOD_POST] = &(operation)
#define DELETE(operation) [HTTP_METHOD_DELETE] = &(operation)

/* Every collection of activities under its canonical path and its aliases, which clients of earlier
 * services use: the very same operations. */
#define COLLECTION(text)                                                                           \
    {PATH(text "/stream"), .operations = {GET(stream_activities)}},                                \
        {PATH(text), .operations = {GET(list_activities), POST(record_activities)}},               \
        {PATH(text "/export"), .operations = {GET(export_activities)}},                            \
    {                                                                                              \
        PATH(text), .has_id = true, .operations = { GET(get_activity) }                            \
    }

static const struct api_route routes[] = {
    COLLECTION("/api/v1/activities"),
    COLLECTION("/api/v1/logs"),
    COLLECTION("/api/logs"),
    COLLECTION("/logs"),
    COLLECTION("/api/activities"),
    {PATH("/api/v1/stats"), .operations = {GET(count_activities)}},
    {PATH("/api/v1/checkpoint"), .operations = {GET(get_checkpoint)}},
    {PATH("/api/v1/refused"), .operations = {GET(list_refused)}},
    {PATH("/api/v1/refused/resend"), .operations = {POST(resend_refused_page)}},
    {PATH("/api/v1/refused"), BEHIND_ID("/resend"), .operations = {POST(resend_refused)}},
    {PATH("/api/v1/accounting"), .operations = {GET(get_accounting)}},
    {PATH("/livez"), .is_probe = true, .operations = {GET(probe_live)}},
    {PATH("/readyz"), .is_probe = true, .operations = {GET(probe_ready)}},
    {PATH("/health"), .is_probe = true, .operations = {GET(get_health)}},
    {PATH("/metrics"), .is_probe = true, .operations = {GET(get_metrics)}},
    /* A user whose id is "activities" or "export" is asked for, and erased, by the query string. */
    {PATH("/api/v1/users"),
     .operations = {GET(summarize_user_of_query), DELETE(erase_user_of_query)}},
    {PATH("/api/v1/users/activities"), .operations = {GET(list_activities_of_user_of_query)}},
    {PATH("/api/v1/users"), BEHIND_ID("/activities"), .operations = {GET(list_activities_of_user)}},
    {PATH("/api/v1/users/export"), .operations = {GET(export_user_of_query)}},
    {PATH("/api/v1/users"), BEHIND_ID("/export"), .operations = {GET(export_user)}},
    {PATH("/api/v1/users"), .has_id = true,
     .operations = {GET(summarize_user), DELETE(erase_user)}},
    {PATH("/api/v1/users"), BEHIND_ID("/links"), .operations = {POST(make_viewer_link)}},
    {PATH("/openapi.json"), .operations = {GET(get_openapi)}},
    {PATH("/docs"), .operations = {GET(get_docs)}},
    {PATH("/docs"), .has_id = true, .operations = {GET(get_docs_file)}},
    {PATH("/"), .operations = {GET(get_dashboard)}},
    {PATH("/dashboard"), .has_id = true, .operations = {GET(get_dashboard_file)}},
};

/* False: the text does not end so. */
static bool cut_end(struct str *text, struct str end)
{
    if (end.len > text->len ||
        (end.len > 0 && memcmp(text->data + text->len - end.len, end.data, end.len) != 0)) {
        return false;
    }
    text->len -= end.len;
    return true;
}

/* What follows the route's path, when it does: nothing, "/" (which older routers ignore, but behind
 * "/" itself it is another path) or "/id". */
static bool matches(const struct api_route *route, struct str path, struct str *out_rest)
{
    if (!str_starts_with(path, route->path)) {
        return false;
    }
    struct str rest = {path.data + route->path.len, path.len - route->path.len};
    bool bare = rest.len == 0 || (route->path.len > 1 && str_equal(rest, STR("/")));
    if (!route->has_id) {
        *out_rest = (struct str){0};
        return bare;
    }
    if (!cut_end(&rest, route->behind_id)) {
        return false;
    }
    if (bare || rest.len <= 1 || rest.data[0] != '/' ||
        memchr(rest.data + 1, '/', rest.len - 1) != NULL) {
        return false;
    }
    *out_rest = (struct str){rest.data + 1, rest.len - 1};
    return true;
}

const struct api_route *api_route_find(struct str path, struct str *out_rest)
{
    for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
        if (matches(&routes[i], path, out_rest)) {
            return &routes[i];
        }
    }
    return NULL;
}

const struct api_route *api_route_at(size_t index)
{
    return index < ARRAY_LENGTH(routes) ? &routes[index] : NULL;
}

unsigned api_route_number(const struct api_route *route)
{
    return route == NULL ? 0 : (unsigned)(route - routes) + 1;
}

unsigned api_route_count(void)
{
    return (unsigned)ARRAY_LENGTH(routes);
}

struct str api_route_name(unsigned number, char room[HTTP_ROUTE_BYTES])
{
    ASSERT(number >= 1 && number <= ARRAY_LENGTH(routes));
    const struct api_route *route = &routes[number - 1];
    if (!route->has_id) {
        return route->path;
    }
    int len = snprintf(room, HTTP_ROUTE_BYTES, "%.*s/{id}%.*s", STR_FORMAT(route->path),
                       STR_FORMAT(route->behind_id));
    return (struct str){room, (size_t)len};
}

const struct api_operation *api_route_operation(const struct api_route *route,
                                                enum http_method method)
{
    enum http_method asked = method == HTTP_METHOD_HEAD ? HTTP_METHOD_GET : method;
    return asked < ARRAY_LENGTH(route->operations) ? route->operations[asked] : NULL;
}

const char *api_route_allow(const struct api_route *route, char out_text[API_ALLOW_BYTES])
{
    static const struct {
        enum http_method method;
        const char *names;
    } known[] = {{HTTP_METHOD_GET, "GET, HEAD, "},
                 {HTTP_METHOD_POST, "POST, "},
                 {HTTP_METHOD_DELETE, "DELETE, "}};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
        if (route == NULL || route->operations[known[i].method] != NULL) {
            len += (size_t)snprintf(out_text + len, API_ALLOW_BYTES - len, "%s", known[i].names);
        }
    }
    snprintf(out_text + len, API_ALLOW_BYTES - len, "OPTIONS");
    return out_text;
}
