#include "interfaces/api/api_link.h"
#include "interfaces/api/api_media.h"
#include "interfaces/api/api_query_string.h"

/* Every collection of activities under its canonical path and its aliases, which clients of earlier
 * services use: the very same handlers. */
#define COLLECTION(text)                                                                           \
    {.path = {text "/stream", sizeof(text "/stream") - 1},                                         \
     .get = api_stream,                                                                            \
     .get_parameters = &api_stream_parameters,                                                     \
     .get_needs = ACCESS_READ,                                                                     \
     .limits_users = true},                                                                        \
        {.path = {text, sizeof(text) - 1},                                                         \
         .get = api_find_list,                                                                     \
         .get_parameters = &api_list_parameters,                                                   \
         .get_needs = ACCESS_READ,                                                                 \
         .post = api_media_post,                                                                   \
         .post_parameters = &api_post_parameters,                                                  \
         .post_needs = ACCESS_WRITE,                                                               \
         .limits_users = true,                                                                     \
         .is_for_viewers = true},                                                                  \
        {.path = {text "/export", sizeof(text "/export") - 1},                                     \
         .get = api_export,                                                                        \
         .get_parameters = &api_export_parameters,                                                 \
         .get_needs = ACCESS_READ,                                                                 \
         .limits_users = true},                                                                    \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .has_id = true, .get = api_find_one,                     \
        .get_parameters = &api_one_parameters, .get_needs = ACCESS_READ, .limits_users = true,     \
        .is_for_viewers = true                                                                     \
    }
#define SINGLE(text, handler, parameters, scope)                                                   \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .get = (handler), .get_parameters = (parameters),        \
        .get_needs = (scope)                                                                       \
    }
#define PROBE(text, handler, parameters)                                                           \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .is_probe = true, .get = (handler),                      \
        .get_parameters = (parameters), .is_open = true                                            \
    }

/* A user whose id is "activities" is asked for, and erased, by the query string. */
#define USERS(text)                                                                                \
    {.path = {text, sizeof(text) - 1},                                                             \
     .get = api_user_of_query,                                                                     \
     .get_parameters = &api_summary_of_query_parameters,                                           \
     .delete = api_erase_user_of_query,                                                            \
     .delete_parameters = &api_user_parameters,                                                    \
     .delete_needs = ACCESS_ERASE,                                                                 \
     .get_needs = ACCESS_READ,                                                                     \
     .limits_users = true},                                                                        \
        {.path = {text "/activities", sizeof(text "/activities") - 1},                             \
         .get = api_timeline_of_query,                                                             \
         .get_parameters = &api_list_parameters,                                                   \
         .get_needs = ACCESS_READ,                                                                 \
         .limits_users = true,                                                                     \
         .is_for_viewers = true},                                                                  \
        {.path = {text, sizeof(text) - 1},                                                         \
         .has_id = true,                                                                           \
         .behind_id = {"/activities", 11},                                                         \
         .get = api_timeline,                                                                      \
         .get_parameters = &api_timeline_parameters,                                               \
         .get_needs = ACCESS_READ,                                                                 \
         .limits_users = true,                                                                     \
         .is_for_viewers = true},                                                                  \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .has_id = true, .get = api_user,                         \
        .get_parameters = &api_summary_parameters, .get_needs = ACCESS_READ,                       \
        .delete = api_erase_user, .delete_needs = ACCESS_ERASE, .limits_users = true               \
    }

#define REFUSED(text)                                                                              \
    {.path = {text, sizeof(text) - 1},                                                             \
     .get = api_refused,                                                                           \
     .get_parameters = &api_refused_parameters,                                                    \
     .get_needs = ACCESS_ADMIN},                                                                   \
        {.path = {text "/resend", sizeof(text "/resend") - 1},                                     \
         .post = api_resend_page,                                                                  \
         .post_parameters = &api_refused_parameters,                                               \
         .post_needs = ACCESS_ADMIN},                                                              \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .has_id = true, .behind_id = {"/resend", 7},             \
        .post = api_resend_one, .post_needs = ACCESS_ADMIN                                         \
    }

static const struct api_route routes[] = {
    COLLECTION("/api/v1/activities"),
    COLLECTION("/api/v1/logs"),
    COLLECTION("/api/logs"),
    COLLECTION("/logs"),
    COLLECTION("/api/activities"),
    {.path = {"/api/v1/stats", 13},
     .get = api_stats,
     .get_parameters = &api_stats_parameters,
     .get_needs = ACCESS_READ,
     .limits_users = true},
    SINGLE("/api/v1/checkpoint", api_checkpoint, NULL, ACCESS_ADMIN),
    REFUSED("/api/v1/refused"),
    SINGLE("/api/v1/accounting", api_accounting, NULL, ACCESS_ADMIN),
    PROBE("/livez", api_probe_live, NULL),
    PROBE("/readyz", api_probe_ready, &api_verbose_parameters),
    PROBE("/health", api_probe_health, NULL),
    PROBE("/metrics", api_metrics, NULL),
    USERS("/api/v1/users"),
    {.path = {"/api/v1/users", 13},
     .has_id = true,
     .behind_id = {"/links", 6},
     .post = api_link_post,
     .post_needs = ACCESS_READ | ACCESS_ADMIN,
     .limits_users = true},
    {.path = {"/openapi.json", 13}, .get = api_openapi, .is_open = true},
    {.path = {"/docs", 5}, .get = api_docs, .is_open = true},
    {.path = {"/docs", 5}, .has_id = true, .get = api_docs_file, .is_open = true},
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

/* What follows the route's path, when it does: nothing, "/" (which older routers ignore) or "/id".
 */
static bool matches(const struct api_route *route, struct str path, struct str *out_rest)
{
    if (!str_starts_with(path, route->path)) {
        return false;
    }
    struct str rest = {path.data + route->path.len, path.len - route->path.len};
    bool bare = rest.len == 0 || str_equal(rest, STR("/"));
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

const char *api_route_allow(const struct api_route *route)
{
    static const char *const texts[2][2][2] = {
        {{"OPTIONS", "DELETE, OPTIONS"}, {"POST, OPTIONS", "POST, DELETE, OPTIONS"}},
        {{"GET, HEAD, OPTIONS", "GET, HEAD, DELETE, OPTIONS"},
         {"GET, HEAD, POST, OPTIONS", "GET, HEAD, POST, DELETE, OPTIONS"}},
    };
    return texts[route->get != NULL][route->post != NULL][route->delete != NULL];
}
