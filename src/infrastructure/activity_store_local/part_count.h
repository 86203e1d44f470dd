#pragma once
/*
 * How many rows of a part match a question, by whatever knows it soonest: the hours of its footer,
 * or a cursor over its rows. One thread at a time, for the view.
 */
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_store_local/part_question.h"

/* Order and after of the question are ignored. Counts what footer, directory and lists know already
 * without reading rows. NO_MEMORY, CORRUPT, TIMED_OUT, and what the disk says. */
MUST_USE enum status part_count(struct part_view *view, const struct part_question *question,
                                uint64_t *out_count, struct error *err);
