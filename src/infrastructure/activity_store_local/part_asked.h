#pragma once
/*
 * What a question comes to in the numbers of the part that it is put to: times and a key become a
 * stretch of rows, actions become numbers. One thread at a time, for the view.
 */
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_store_local/part_question.h"
#include "infrastructure/activity_store_local/part_span.h"

struct part_asked {
    struct part_span rows;
    enum name_sense sense; /* of its actions */
    uint32_t actions[FILTER_NAMES_MAX];
    uint32_t action_count; /* of those that the part knows */
    uint64_t action_bits;  /* of all that are asked for, as in the directory; 0 with ANY_NAME */
};

/* The numbers of the actions alone, into what is filled with zeros. */
void part_ask_actions(const struct part_footer *footer, const struct activity_filter *filter,
                      struct part_asked *asked);

/* Whether the part has any action that is asked for. */
static inline bool part_asked_may_match(const struct part_asked *asked)
{
    return asked->sense == ANY_NAME || asked->action_bits != 0;
}

/* The stretch is empty without a look at the part where it has no action that is asked for.
 * CORRUPT, NO_MEMORY, and what the disk says. */
MUST_USE enum status part_ask(struct part_view *view, const struct part_question *question,
                              struct part_asked *out_asked, struct error *err);

/* Whether a page can hold an action that is asked for. */
static inline bool part_asked_wants_page(const struct part_asked *asked,
                                         const struct part_page *page)
{
    return asked->sense == ANY_NAME || (page->action_bits & asked->action_bits) != 0;
}

bool part_asked_wants_action(const struct part_asked *asked, uint32_t action);
