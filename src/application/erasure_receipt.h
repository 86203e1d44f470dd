#pragma once
/*
 * What is left of an erasure for whoever asked for it: the answer of the DELETE as JSON, which
 * interfaces/api/api_erase.c writes, read again so that it can be held against the store's chain.
 * What it says of places that are out of reach is for people, and is not read. Parser: yyjson. Any
 * thread.
 */
#include "domain/activity_rules.h"
#include "domain/activity_store.h"

enum { ERASURE_RECEIPT_BYTES_MAX = 64 * 1024 };

struct erasure_receipt {
    char user_id[USER_ID_BYTES_MAX];
    size_t user_id_len; /* at least 1 */
    uint64_t erased;    /* at least as many as were sealed */
    struct erasure_record record;
};

/* Reads a receipt, believing nobody. INVALID: it is none, and `err` names the member that is wrong,
 * or it names no record of a chain. NO_MEMORY. */
MUST_USE enum status erasure_receipt_parse(struct str text, struct erasure_receipt *out_receipt,
                                           struct error *err);
