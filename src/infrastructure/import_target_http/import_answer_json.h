#pragma once
/*
 * What a server's answers to arrays say: the results of a 202 or of a 400 that names its items, and
 * the problem of a whole one. One thread.
 */
#include "base/error.h"
#include "base/str.h"
#include "domain/rejection.h"

#include <stdbool.h>
#include <stddef.h>

/* Hears of each item that was rejected; `problem` as in struct import_fault. False ends it. */
typedef bool import_answer_visit(void *context, size_t index, struct str problem);

struct import_answer_visitor {
    import_answer_visit *visit;
    void *context;
};

/* OK: there is a result for each of `count` items, and the rejected ones were told. NOT_FOUND: this
 * has no results. INVALID: it is not what this program's server answers. NO_MEMORY. */
MUST_USE enum status import_answer_read(struct str body, size_t count,
                                        const struct import_answer_visitor *visitor,
                                        struct error *err);

/* Tells of the whole answer as the problem of item 0; of an answer that is no problem document as
 * one without words. NO_MEMORY. */
MUST_USE enum status import_answer_refuse_whole(struct str body,
                                                const struct import_answer_visitor *visitor,
                                                struct error *err);
