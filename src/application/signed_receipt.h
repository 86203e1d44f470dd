#pragma once
/*
 * The receipt of an erasure that a service signed, read again with nothing else at hand but the
 * key. It is the answer of the DELETE as JSON, which interfaces/api/api_erase.c writes; a receipt
 * that was laid out anew by a program or a person is still one. Every member must be there once and
 * no other beside it: nobody signed that. What is signed is told in erasure_statement.h, what a
 * chain has of it in erasure_receipt.h. Parser: yyjson. Any thread.
 */
#include "application/erasure_statement.h"

enum { VERIFIED_NAME_BYTES = 160 };

struct yyjson_doc;

struct signed_receipt {
    struct yyjson_doc *document;        /* owned; all texts lie in it */
    struct erasure_statement statement; /* what the members say; nobody has signed it yet */
    struct str text;                    /* the member `signed` */
    struct str signed_by;
    struct str signature; /* as it stands there: base64 */
};

/* What verifying a signature tells of a receipt that is signed so. Texts are terminated. */
struct verified_signature {
    char signed_by[VERIFIED_NAME_BYTES];
    char signed_at[TIMESTAMP_TEXT_BYTES + 1];
    char erased_at[TIMESTAMP_TEXT_BYTES + 1];
    uint64_t erased; /* activities */
};

/* Reads a receipt, believing nobody. INVALID: it is none or nobody signed it, and `err` names the
 * member that is wrong. NO_MEMORY. On failure there is nothing to free. */
MUST_USE enum status signed_receipt_read(struct str text, struct signed_receipt *out_receipt,
                                         struct error *err);
void signed_receipt_deinit(struct signed_receipt *receipt);
