#include "interfaces/api/api_media.h"

/* Every collection of activities under its canonical path and its aliases, which clients of earlier
 * services use: the very same handlers. */
#define COLLECTION(text)                                                                           \
    {.path = {text, sizeof(text) - 1}, .get = api_find_list, .post = api_media_post},              \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .has_id = true, .get = api_find_one                      \
    }
#define SINGLE(text, handler)                                                                      \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .get = (handler)                                         \
    }
#define PROBE(text, handler)                                                                       \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .is_probe = true, .get = (handler)                       \
    }
#define USERS(text)                                                                                \
    {.path = {text, sizeof(text) - 1}, .delete = api_erase_user_of_query},                         \
    {                                                                                              \
        .path = {text, sizeof(text) - 1}, .has_id = true, .delete = api_erase_user                 \
    }

static const struct api_route routes[] = {
    COLLECTION("/api/v1/activities"),
    COLLECTION("/api/v1/logs"),
    COLLECTION("/api/logs"),
    COLLECTION("/logs"),
    COLLECTION("/api/activities"),
    SINGLE("/api/v1/stats", api_stats),
    SINGLE("/api/v1/checkpoint", api_checkpoint),
    SINGLE("/api/v1/refused", api_refused),
    PROBE("/livez", api_probe_live),
    PROBE("/readyz", api_probe_ready),
    PROBE("/health", api_probe_health),
    USERS("/api/v1/users"),
};

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
    if (bare || rest.data[0] != '/' || memchr(rest.data + 1, '/', rest.len - 1) != NULL) {
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

const char *api_route_allow(const struct api_route *route)
{
    if (route->delete != NULL) {
        return "DELETE, OPTIONS";
    }
    return route->post != NULL ? "GET, HEAD, POST, OPTIONS" : "GET, HEAD, OPTIONS";
}
