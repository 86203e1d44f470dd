#pragma once
/*
 * Whoever can sign the text of an erasure (erasure_statement.h). Any thread but an event loop's,
 * several at once.
 */
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

enum { RECEIPT_SIGNATURE_BYTES = 64 };

struct receipt_signer {
    struct str signed_by; /* the member of that name: visible ASCII */
    /* NO_MEMORY. */
    enum status (*sign)(const struct receipt_signer *signer, struct str text,
                        uint8_t out_signature[RECEIPT_SIGNATURE_BYTES]);
};
