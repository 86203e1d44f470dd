#pragma once
/*
 * Users whom a question leaves out, as users of the part that it is put to: their rows are passed
 * over as those of hidden users are, by lists that the part has of them, so that whatever counts or
 * walks knows one kind only. One thread at a time, for the view.
 */
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_store_local/part_question.h"

/* Puts into the question's hidden users those whom its filter excludes and the part knows. The set
 * made for that goes to `out_hidden`, for the caller to give back when the question has been
 * answered; NULL when none was needed, also on failure. CORRUPT, NO_MEMORY, TIMED_OUT, and what the
 * disk says. */
MUST_USE enum status part_exclude_users(struct part_view *view, struct part_question *question,
                                        struct hidden_users **out_hidden, struct error *err);
