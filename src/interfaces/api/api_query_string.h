#pragma once
/*
 * The query string of GET: names and values decoded, every name known or the request refused (a
 * misspelt filter must not answer with everybody's activities). Any thread; texts live in the
 * arena.
 */
#include "application/count_activities.h"
#include "application/find_activities.h"
#include "application/list_refusals.h"
#include "base/arena.h"
#include "base/error.h"

/* Room for what a filter points to. */
struct api_filter_texts {
    struct str user_ids[FILTER_USERS_MAX];
    struct str actions[FILTER_ACTIONS_MAX];
    struct metadata_filter metadata;
};

struct api_question {
    struct find_activities_question find;
    struct api_filter_texts texts;
};

struct api_stats_question {
    struct count_activities_question count;
    struct api_filter_texts texts;
};

/* Reads the raw query into `out_question`, whose filter then points into itself and into `arena`:
 * it must not move. INVALID: `err` names the parameter and what to write. NO_MEMORY. */
MUST_USE enum status api_question_read(struct str query, struct arena *arena,
                                       struct api_question *out_question, struct error *err);

/* The same for counts in groups. */
MUST_USE enum status api_stats_question_read(struct str query, struct arena *arena,
                                             struct api_stats_question *out_question,
                                             struct error *err);

/* The same for the refused list, which has no filter. */
MUST_USE enum status api_refused_question_read(struct str query, struct arena *arena,
                                               struct list_refusals_question *out_question,
                                               struct error *err);

/* Percent-decoding (RFC 3986), "+" as space when `plus_is_space` (forms). INVALID when a "%" is not
 * followed by two hexadecimal digits or the result is not UTF-8 without NUL. NO_MEMORY. */
MUST_USE enum status api_percent_decode(struct str text, bool plus_is_space, struct arena *arena,
                                        struct str *out_text);

/* The raw query with the cursor in place of any page or cursor in it, for the Link header;
 * characters that would end the link are escaped. */
void api_query_with_cursor(struct str query, struct str cursor, struct buffer *out_query);

/* As much of a name that input chose as a message may show: well-formed UTF-8, at most 48 bytes. */
struct str api_query_shown(struct str name);
