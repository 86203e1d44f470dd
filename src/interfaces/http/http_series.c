#include "interfaces/http/http_series.h"

#include "base/assert.h"

#include <stdlib.h>

/* Those that RFC 9110 and its companions name for servers like this one. What stands at both ends
 * is hardly ever counted, so that rows that are neighbours in memory share no busy cache line. */
static const short statuses[HTTP_STATUS_PLACES] = {HTTP_STATUS_OTHERS,
                                                   200,
                                                   201,
                                                   202,
                                                   203,
                                                   204,
                                                   205,
                                                   206,
                                                   300,
                                                   301,
                                                   302,
                                                   303,
                                                   304,
                                                   307,
                                                   308,
                                                   400,
                                                   401,
                                                   402,
                                                   403,
                                                   404,
                                                   405,
                                                   406,
                                                   407,
                                                   408,
                                                   409,
                                                   410,
                                                   411,
                                                   412,
                                                   413,
                                                   414,
                                                   415,
                                                   416,
                                                   417,
                                                   421,
                                                   422,
                                                   423,
                                                   425,
                                                   426,
                                                   428,
                                                   429,
                                                   431,
                                                   451,
                                                   500,
                                                   501,
                                                   503,
                                                   504,
                                                   505,
                                                   507};

int http_series_status(unsigned place)
{
    return place < HTTP_STATUS_PLACES ? statuses[place] : 0;
}

/* The table is short, and the statuses of almost all requests stand at its beginning. */
static unsigned place_of(int status)
{
    for (unsigned i = 1; i < HTTP_STATUS_PLACES; i++) {
        if (statuses[i] == status) {
            return i;
        }
    }
    return HTTP_STATUS_OTHERS;
}

static _Atomic(struct http_series_row *) *row_at(const struct http_series *series, unsigned route,
                                                 enum http_method method)
{
    return &series->rows[(size_t)route * HTTP_METHODS + method];
}

enum status http_series_init(struct http_series *series, unsigned route_count)
{
    *series = (struct http_series){.route_count = route_count > 0 ? route_count : 1};
    size_t count = (size_t)series->route_count * HTTP_METHODS;
    series->rows = calloc(count, sizeof *series->rows);
    struct http_series_row *others = series->rows == NULL ? NULL : calloc(1, sizeof *others);
    if (others == NULL) {
        http_series_deinit(series);
        return STATUS_NO_MEMORY;
    }
    atomic_store(row_at(series, 0, HTTP_METHOD_OTHER), others);
    return STATUS_OK;
}

void http_series_deinit(struct http_series *series)
{
    size_t count = (size_t)series->route_count * HTTP_METHODS;
    for (size_t i = 0; series->rows != NULL && i < count; i++) {
        free(atomic_load(&series->rows[i]));
    }
    free(series->rows);
    series->rows = NULL;
}

/* The row of the route and method, made if need be. */
static struct http_series_row *take_row(struct http_series *series,
                                        const struct http_series_key *key)
{
    _Atomic(struct http_series_row *) *at = row_at(series, key->route, key->method);
    struct http_series_row *row = atomic_load_explicit(at, memory_order_relaxed);
    if (row != NULL) {
        return row;
    }
    row = calloc(1, sizeof *row);
    if (row == NULL) {
        at = row_at(series, 0, HTTP_METHOD_OTHER);
        return atomic_load_explicit(at, memory_order_relaxed);
    }
    atomic_store_explicit(at, row, memory_order_release);
    return row;
}

void http_series_add(struct http_series *series, const struct http_series_key *key, uint64_t ns)
{
    ASSERT(key->route < series->route_count && (unsigned)key->method < HTTP_METHODS);
    struct http_series_row *row = take_row(series, key);
    histogram_add(&row->statuses[place_of(key->status)], &histogram_bounds_requests, ns);
}

static const struct http_series_row *find_row(const struct http_series *series, unsigned route,
                                              enum http_method method)
{
    return atomic_load_explicit(row_at(series, route, method), memory_order_acquire);
}

bool http_series_has(const struct http_series *series, unsigned route, enum http_method method)
{
    return find_row(series, route, method) != NULL;
}

void http_series_sum(const struct http_series *series, const struct http_series_key *key,
                     struct histogram_sums *sums)
{
    const struct http_series_row *row = find_row(series, key->route, key->method);
    if (row != NULL) {
        histogram_sum(&row->statuses[place_of(key->status)], sums);
    }
}
