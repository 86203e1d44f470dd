#pragma once
/*
 * The parameters that every filter has, for api_query_string.c, which reads them with those of the
 * route. Any thread.
 */
#include "interfaces/api/api_query_string.h"

#include <stdbool.h>
#include <stddef.h>

/* What is being read: the filter, and the question that it belongs to. */
struct api_parameter_target {
    struct activity_filter *filter; /* NULL: the question has none */
    struct api_filter_texts *texts;
    struct str *after;                     /* the receipt to wait for; NULL: none is read */
    struct find_activities_question *find; /* NULL: none is read */
    bool *csv;                             /* likewise, as the next ones */
    struct count_activities_question *count;
    struct list_refusals_question *refusals;
    struct summarize_user_question *summary;
};

/* How many a set has of them, and each; those of users first and those of times last. */
size_t api_filter_parameter_count(const struct api_parameter_set *set);
const struct api_parameter *api_filter_parameter_at(const struct api_parameter_set *set,
                                                    size_t index);

/* Whether it leaves out what has the value. */
bool api_filter_parameter_excludes(const struct api_parameter *parameter);

/* A filter that asks for everything, with the lists of the target's texts. */
void api_filter_begin(const struct api_parameter_target *target);

/* Reads a parameter that is one of metadata; NOT_FOUND, and `err` as it was, when it is none.
 * INVALID. */
MUST_USE enum status api_filter_read_metadata(const struct api_parameter_target *target,
                                              struct str name, struct str value, struct error *err);
