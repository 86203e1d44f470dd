#pragma once
/*
 * One POST of an array over libcurl, again and again over the same connection: its body, the answer
 * to it and the two things of the header that matter. One thread.
 */
#include "application/import_target.h"
#include "base/buffer.h"
#include "infrastructure/http_client/http_handle.h"

enum import_transfer_condition {
    TRANSFER_FREE,
    TRANSFER_UNDER_WAY,
    TRANSFER_PAUSED, /* to be started again at `again_ms` */
};

struct import_transfer {
    CURL *curl;
    struct buffer body;
    struct buffer answer;
    uint64_t retry_after_ms; /* of the answer; 0: not named */
    enum import_transfer_condition condition;
    struct import_batch *batch;
    size_t begin; /* of the rows under way */
    size_t count;
    unsigned attempts; /* that failed, one behind the other */
    uint64_t again_ms;
};

struct import_transfer_config {
    const struct http_handle_config *handle;
    const char *url; /* where arrays go */
    struct curl_slist *headers;
    uint64_t timeout_ms;
};

/* NO_MEMORY, also for a URL that libcurl does not take, which the caller has checked. Deinit takes
 * what init has failed on, and one that is all zero. */
MUST_USE enum status import_transfer_init(struct import_transfer *transfer,
                                          const struct import_transfer_config *config);
void import_transfer_deinit(struct import_transfer *transfer);

/* Writes rows[begin, begin + count) as the array that is sent next. NO_MEMORY. */
MUST_USE enum status import_transfer_prepare(struct import_transfer *transfer);
