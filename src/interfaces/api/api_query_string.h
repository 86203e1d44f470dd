#pragma once
/*
 * The query string of GET: names and values decoded, every name known or the request refused (a
 * misspelt filter must not answer with everybody's activities). Any thread; texts live in the
 * arena.
 */
#include "application/count_activities.h"
#include "application/find_activities.h"
#include "application/list_refusals.h"
#include "application/summarize_user.h"
#include "base/arena.h"
#include "base/error.h"

struct api_parameter_target; /* the question that is being read */

typedef enum status api_parameter_function(const struct api_parameter_target *target,
                                           struct str value, struct error *err);

struct api_parameter {
    struct str name;
    bool repeatable;
    api_parameter_function *read; /* NULL: the handler looks at the query itself */
};

/* What a route understands: the one list that requests are read by, that messages name, and that
 * the document at /openapi.json is held to. */
struct api_parameter_set {
    const struct api_parameter *own;
    size_t own_count;
    bool has_filter;   /* those of a filter besides, and any number of metadata.<path>, also with
                          "not." in front */
    bool user_in_path; /* of the filter's, userId and not.userId are not understood */
    bool has_no_times; /* of the filter's, from and to are not understood */
};

extern const struct api_parameter_set api_export_parameters;
extern const struct api_parameter_set api_list_parameters;
extern const struct api_parameter_set api_one_parameters;
extern const struct api_parameter_set api_timeline_parameters;
extern const struct api_parameter_set api_stats_parameters;
extern const struct api_parameter_set api_stream_parameters;
extern const struct api_parameter_set api_post_parameters;
extern const struct api_parameter_set api_refused_parameters;
extern const struct api_parameter_set api_summary_parameters;
extern const struct api_parameter_set api_summary_of_query_parameters;
extern const struct api_parameter_set api_user_export_parameters;
extern const struct api_parameter_set api_user_export_of_query_parameters;
extern const struct api_parameter_set api_user_parameters;
extern const struct api_parameter_set api_verbose_parameters;

/* All parameters of a set but metadata.<path>, those of the filter first; NULL behind the last. */
const struct api_parameter *api_parameter_at(const struct api_parameter_set *set, size_t index);

/* Room for what a filter points to. */
struct api_filter_texts {
    struct str user_ids[FILTER_NAMES_MAX];
    struct str actions[FILTER_NAMES_MAX];
    struct metadata_filter metadata;
    struct str excluded_user_ids[FILTER_NAMES_MAX];
    struct str excluded_actions[FILTER_NAMES_MAX];
    struct metadata_filter excluded_metadata;
};

struct api_question {
    struct find_activities_question find;
    struct api_filter_texts texts;
    struct str after; /* the receipt to wait for; {NULL, 0}: none */
};

struct api_export_question {
    struct find_activities_question find; /* filter and order */
    struct api_filter_texts texts;
    bool csv; /* instead of lines of JSON */
};

struct api_stats_question {
    struct count_activities_question count;
    struct api_filter_texts texts;
    struct str after; /* likewise */
};

struct api_user_question {
    struct summarize_user_question summary;
    struct str after; /* likewise */
};

/* Reads the raw query into `out_question`, whose filter then points into itself and into `arena`:
 * it must not move. INVALID: `err` names the parameter and what to write. NO_MEMORY. */
MUST_USE enum status api_question_read(struct str query, struct arena *arena,
                                       struct api_question *out_question, struct error *err);

/* The same for all that match. */
MUST_USE enum status api_export_question_read(struct str query, struct arena *arena,
                                              struct api_export_question *out_question,
                                              struct error *err);

/* The same about one user: the one of the path, borrowed, or with NULL the one that the query must
 * name. */
MUST_USE enum status api_timeline_question_read(struct str query, const struct str *user_id,
                                                struct arena *arena,
                                                struct api_question *out_question,
                                                struct error *err);

/* The same where nothing is asked for but to wait for a receipt; {NULL, 0}: not even that. */
MUST_USE enum status api_one_question_read(struct str query, struct arena *arena,
                                           struct str *out_after, struct error *err);

/* The same for counts in groups. */
MUST_USE enum status api_stats_question_read(struct str query, struct arena *arena,
                                             struct api_stats_question *out_question,
                                             struct error *err);

/* The same about one user, whom the query names if `by_query`. */
MUST_USE enum status api_user_question_read(struct str query, bool by_query, struct arena *arena,
                                            struct api_user_question *out_question,
                                            struct error *err);

/* The same for all about one user; the one of the path is left to the caller. */
MUST_USE enum status api_user_export_question_read(struct str query, bool by_query,
                                                   struct arena *arena, struct str *out_user_id,
                                                   struct error *err);

/* The same for a stream, which is a filter and nothing else; `out_filter` points into `texts`. */
MUST_USE enum status api_stream_filter_read(struct str query, struct arena *arena,
                                            struct activity_filter *out_filter,
                                            struct api_filter_texts *texts, struct error *err);

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
