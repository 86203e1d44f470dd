#pragma once
/*
 * Whose request it is when it comes through proxies. What a request says of itself
 * (X-Forwarded-For) counts as far as it was written by a proxy that somebody trusts: from the
 * right, past all that are trusted, to the first that is not. Any thread.
 */
#include "base/error.h"
#include "interfaces/api/api_fields.h"
#include "interfaces/http/http_exchange.h"

#include <stdbool.h>
#include <stddef.h>

enum { CLIENT_RANGES_MAX = 64 };

/* Addresses whose first bits are these. */
struct client_range {
    struct http_peer address;
    unsigned bits; /* of 128 */
};

struct client_ranges {
    struct client_range items[CLIENT_RANGES_MAX];
    size_t count;
};

/* "10.0.0.0/8, ::1": addresses and networks with commas between them; empty: none. INVALID names
 * the one that is none. */
MUST_USE enum status client_ranges_parse(struct str text, struct client_ranges *out_ranges,
                                         struct error *err);

bool client_ranges_hold(const struct client_ranges *ranges, struct http_peer peer);

/* The address of whoever is behind the proxies; the peer itself, unless it is one of them. */
struct http_peer client_address_of(const struct client_ranges *trusted,
                                   const struct api_fields *fields, struct http_peer peer);
