#pragma once
/*
 * The rows of a part that match a question, counted in groups. By action and by time the footer
 * answers, by user the blocks of users do, as long as the question is of a kind that they know;
 * rows are looked at for the rest. One thread at a time, for the view and the table.
 */
#include "infrastructure/activity_store_local/part_cursor.h"
#include "infrastructure/activity_table/tally_table.h"

/* Counts into the table, whose request the question is; its order and after are ignored. TOO_LARGE:
 * there are too many groups. As part_count otherwise. */
MUST_USE enum status part_tally(struct part_view *view, const struct part_question *question,
                                struct tally_table *into, struct error *err);
