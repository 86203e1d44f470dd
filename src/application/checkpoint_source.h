#pragma once
/*
 * Whoever can sign what the stored activities come to now, for somebody who keeps it elsewhere and
 * can later tell whether they were changed. Any thread but an event loop's.
 */
#include "base/buffer.h"
#include "base/error.h"

struct checkpoint_source {
    /* Appends the text. UNAVAILABLE: there is nothing to sign yet. NO_MEMORY. */
    enum status (*sign)(struct checkpoint_source *source, struct buffer *out_text,
                        struct error *err);
};
