#pragma once
/*
 * What all transfers over libcurl have in common, whoever drives them: which servers, which proofs,
 * whose key, and what libcurl's codes mean. Follows no redirect and takes no proxy: whoever asks
 * wants to hear that very server, and its key must not go elsewhere. One thread.
 */
#include "base/error.h"

#include <curl/curl.h>
#include <stdbool.h>

struct http_handle_config {
    const char *url; /* http://HOST:PORT or https://, maybe with a path; see http_handle_check */
    const char *key; /* NULL: none */
    const char
        *ca_file;    /* who vouches for a server of https, in PEM; NULL: whom the system trusts */
    bool unverified; /* of https: the server need not prove who it is */
};

/* INVALID: this is no URL of a server, or there is no such file (NULL: none is named). */
MUST_USE enum status http_handle_check(const char *url, const char *ca_file, struct error *err);

/* False without memory. The texts of `config` must live until it returns, `fields` until the handle
 * is gone. */
MUST_USE bool http_handle_set_up(CURL *curl, const struct http_handle_config *config,
                                 struct curl_slist *fields);

/* False without memory; what was there stays. */
MUST_USE bool http_handle_add_field(struct curl_slist **fields, const char *line);
MUST_USE bool http_handle_add_key(struct curl_slist **fields, const char *key); /* NULL: none */

/* What came of a transfer: OK, INVALID (no such URL can be), TIMED_OUT, NO_MEMORY, UNAVAILABLE. */
MUST_USE enum status http_handle_translate(CURLcode code, const char *url, struct error *err);
