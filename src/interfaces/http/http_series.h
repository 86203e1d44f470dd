#pragma once
/*
 * How long requests of one loop took, by route, method and status. Every loop has series of its
 * own, so that counting takes no lock and shares no cache line with another loop; they are added up
 * when somebody asks. A row comes into being with the first request of its route and method, since
 * most never come.
 *
 * The loop adds, any thread reads.
 */
#include "base/error.h"
#include "base/histogram.h"
#include "base/macros.h"
#include "interfaces/http/http_message.h"

enum {
    HTTP_METHODS = HTTP_METHOD_OTHER + 1,
    HTTP_STATUS_PLACES = 48, /* statuses that have series of their own, and one for all others */
    HTTP_STATUS_OTHERS = 0
};

/* Of one route and method. */
struct http_series_row {
    struct histogram statuses[HTTP_STATUS_PLACES];
};

struct http_series {
    unsigned route_count;
    _Atomic(struct http_series_row *) *rows; /* HTTP_METHODS for each route; NULL: none yet */
};

/* Which series a request belongs to. */
struct http_series_key {
    unsigned route; /* 0: none; below route_count */
    enum http_method method;
    int status;
};

/* NO_MEMORY. */
MUST_USE enum status http_series_init(struct http_series *series, unsigned route_count);
void http_series_deinit(struct http_series *series);

/* Without memory for its row a request counts as one of no route and another method. */
void http_series_add(struct http_series *series, const struct http_series_key *key, uint64_t ns);

/* Whether there was a request of this route and method. */
bool http_series_has(const struct http_series *series, unsigned route, enum http_method method);

/* Adds to `sums` what the series has of one status of such a route and method. */
void http_series_sum(const struct http_series *series, const struct http_series_key *key,
                     struct histogram_sums *sums);

/* The status at a place; 0: all that have none of their own, or no place. */
int http_series_status(unsigned place);
