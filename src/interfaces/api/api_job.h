#pragma once
/*
 * A question under way: read on its loop, asked and rendered on a pool thread (a store may have to
 * read from disk), answered on the loop. What the pool thread works with is the job's own memory,
 * because the client may leave meanwhile. Loop thread, except where a function says otherwise.
 */
#include "interfaces/api/api_private.h"

struct api_job;

/* Asks and renders, on the pool thread: leaves an answer in `text`, or a status and words. */
typedef void api_job_function(struct api_job *job);

/* Embedded first in the job of each question. */
struct api_job {
    api_job_function *ask;
    struct arena arena; /* of the question's texts and of what was found */
    struct str path;    /* raw */
    struct str query;   /* raw; {NULL, 0} without one */
    enum status status;
    struct error err;
    struct buffer text;
    struct str content_type; /* static; JSON unless `ask` says otherwise */
    struct buffer link;      /* the Link header; empty: none */
    struct memory_budget *budget;
    size_t charged; /* to it, for `text` */
};

/* `bytes` is the size of the structure that embeds the job, which comes zeroed. NULL without
 * memory. */
struct api_job *api_job_new(const struct api_call *call, size_t bytes, api_job_function *ask);
void api_job_free(struct api_job *job); /* takes NULL */
CLEANUP_FUNCTION(struct api_job *, api_job_free)

/* Sets the job going, which answers the call in the end; takes the job. `read` is what came of
 * reading the question: anything but OK is answered at once, in the words of `err`. */
void api_job_start(const struct api_call *call, struct api_job *job, enum status read,
                   const struct error *err);

/* 503: there is no memory for this request. */
void api_job_answer_no_memory(const struct api_call *call);
