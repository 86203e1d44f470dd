#pragma once
/*
 * A part knows its users, actions and sources by number. When several parts become one, each of
 * them is numbered anew: what several have becomes one, and what no row is left of is left out. One
 * thread at a time.
 */
#include "infrastructure/activity_store_local/merge.h"

/* The number of what is not in the new part. */
#define MERGE_LEFT_OUT UINT32_MAX

/* One part on its way into the new one. */
struct merge_input {
    struct part *part;
    const struct hidden_users *hidden;
    struct part_view *view;
    /* For each number in this part the one in the new part. */
    uint32_t *users;
    uint32_t *actions;
    uint32_t *sources;
};

struct merge_inputs {
    struct merge_input items[MERGE_PARTS_MAX];
    size_t count;
    uint32_t row_count;        /* that are left of all of them */
    const atomic_bool *cancel; /* borrowed */
};

/* NO_MEMORY. Needs a deinit in any case. */
MUST_USE enum status merge_inputs_init(struct merge_inputs *inputs, const struct merge_job *job,
                                       struct error *err);
void merge_inputs_deinit(struct merge_inputs *inputs);

/* BUSY once the merge is cancelled. */
MUST_USE enum status merge_check_cancel(const struct merge_inputs *inputs, struct error *err);

/* What the new part knows by number. */
struct merge_numbers {
    struct arena arena; /* of the texts */
    struct str *users;
    uint32_t user_count;
    struct str *actions;
    uint32_t action_count;
    struct part_source *sources;
    uint32_t source_count;
};

/* Fills the numbers of each input, too. CORRUPT, TOO_LARGE, NO_MEMORY, BUSY, and what the disk
 * says. Needs a deinit in any case. */
MUST_USE enum status merge_numbers_init(struct merge_numbers *numbers, struct merge_inputs *inputs,
                                        struct error *err);
void merge_numbers_deinit(struct merge_numbers *numbers);

/* CORRUPT, with the part's number in front of the words. */
MUST_USE enum status merge_corrupt(const struct part *part, const char *what, struct error *err);

/* Hands on what reading a part said; names the part where the words do not. */
MUST_USE enum status merge_of_part(const struct part *part, enum status status, struct error *err);
