#pragma once
/*
 * The bytes of one answer from when it is given until they are sent. Large ones share a bound over
 * all loops, and are charged before they take their memory; small ones are bounded by the number of
 * exchanges alone, so that they cost nothing. Loop thread only; the bound is shared.
 */
#include "base/buffer.h"
#include "base/memory_budget.h"
#include "interfaces/http/http_response.h"

struct http_answer {
    struct memory_budget *memory;
    struct buffer bytes;
    size_t charged; /* bytes of the shared bound that this answer holds */
};

void http_answer_init(struct http_answer *answer, struct memory_budget *memory);

/* Empties it and gives its share back; keeps a small run of memory for the next one, but not with
 * `trim`. */
void http_answer_reset(struct http_answer *answer, bool trim);
void http_answer_deinit(struct http_answer *answer);

/* Fills an empty answer. BUSY: the shared bound is reached; TOO_LARGE, NO_MEMORY. It is empty again
 * after a failure. */
MUST_USE enum status http_answer_render(struct http_answer *answer,
                                        const struct http_response *response,
                                        const struct http_response_frame *frame);
