#pragma once
/*
 * The JSON that a server of this program answers, read by its own commands: documents, their lists,
 * and members of what is in them. Everything that was read lives as long as the answer. One thread.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "domain/activity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yyjson_doc;
struct yyjson_val;

struct activity_json_answer {
    struct yyjson_doc *document;
    struct yyjson_val *root;
    struct arena *arena; /* of texts that are written anew; the caller's */
};

/* INVALID: this is no JSON. NO_MEMORY. */
MUST_USE enum status activity_json_answer_read(struct str text, struct arena *arena,
                                               struct activity_json_answer *out_answer,
                                               struct error *err);
/* Takes zeros. */
void activity_json_answer_deinit(struct activity_json_answer *answer);

/* The string of this name, {NULL, 0} where there is none. */
struct str activity_json_answer_text(const struct yyjson_val *object, const char *name);

/* False leaves *out_number as it is. */
bool activity_json_answer_number(const struct yyjson_val *object, const char *name,
                                 uint64_t *out_number);

/* Whether this member is there and true. */
bool activity_json_answer_is_true(const struct yyjson_val *object, const char *name);

/* What is in the list of this name, one by one. */
struct activity_json_answer_list {
    struct yyjson_val *next;
    size_t left;
};

/* INVALID: the answer has none. */
MUST_USE enum status activity_json_answer_list(const struct activity_json_answer *answer,
                                               const char *name,
                                               struct activity_json_answer_list *out_list,
                                               struct error *err);
/* NULL behind the last. */
struct yyjson_val *activity_json_answer_next(struct activity_json_answer_list *list);

/* As JSON text in the arena, as answers write it; {NULL, 0}: it is too large, or wrong. */
struct str activity_json_answer_json(const struct activity_json_answer *answer,
                                     const struct yyjson_val *value);

/* INVALID: this is no activity as answers have it, or one too large. */
MUST_USE enum status activity_json_answer_row(const struct activity_json_answer *answer,
                                              const struct yyjson_val *value,
                                              struct activity *out_activity, struct error *err);

enum { ANSWER_DETAIL_BYTES = 160 };

/* The detail of a problem document, cut between two characters; "" when there is none. */
void activity_json_answer_detail(struct str body, char out_detail[ANSWER_DETAIL_BYTES]);
