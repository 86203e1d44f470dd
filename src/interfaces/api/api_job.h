#pragma once
/*
 * A request under way that a store must answer: read on its loop, asked and rendered on a pool
 * thread (a store may have to read from disk, or to write there), answered on the loop. What the
 * pool thread works with is the job's own memory, because the client may leave meanwhile. Loop
 * thread, except where a function says otherwise.
 */
#include "application/await_stored.h"
#include "interfaces/api/api_private.h"

struct api_job;

/* Asks and renders, on the pool thread: leaves an answer in `text`, or a status and words. */
typedef void api_job_function(struct api_job *job);

/* What a client is told when the request itself cannot help it. */
struct api_job_words {
    const char *no_memory; /* to ask: nothing was done */
    const char *busy;      /* more is under way than is taken at once: nothing was done */
    const char *lost;      /* it was asked, but there is no memory for the answer */
};

/* Of whoever only asks, and may ask again. */
extern const struct api_job_words api_question_words;

enum { API_TAG_BYTES = 34 };

struct api_job_kind {
    size_t bytes; /* of the structure that embeds the job */
    api_job_function *ask;
    const struct api_job_words *words;
    bool is_tagged; /* a client that has the same answer already is told just that (api_tag.c) */
};

/* Embedded first in the job of each kind. */
struct api_job {
    const struct api_job_kind *kind;
    const struct api_operation *operation; /* of the call */
    struct arena arena;                    /* of the request's texts and of what was found */
    struct str path;                       /* raw */
    struct str query;                      /* raw; {NULL, 0} without one */
    struct str after;  /* a receipt, which the job waits for before it asks; {NULL, 0}: none */
    uint64_t asked_ns; /* on the monotonic clock, when it had no receipt to wait for any more */
    enum status status;
    struct error err;
    enum api_problem problem; /* API_PROBLEM_COUNT: that of the status */
    struct buffer text;
    struct str content_type; /* static; JSON unless `ask` says otherwise */
    struct buffer link;      /* the Link header; empty: none */
    char tag[API_TAG_BYTES]; /* the ETag field */
    size_t tag_len;          /* 0: none */
    struct memory_budget *budget;
    size_t charged; /* to it, for `text` */

    /* Of a job that waits (api_await.c). */
    struct api *api;
    struct stored_wait wait;
    struct http_ticket ticket;
};

/* The structure that embeds the job comes zeroed; `kind` is static. NULL: there is no memory, and
 * the call is answered so. */
struct api_job *api_job_new(const struct api_call *call, const struct api_job_kind *kind);
void api_job_free(struct api_job *job); /* takes NULL */
CLEANUP_FUNCTION(struct api_job *, api_job_free)

/* A job that answers a page of activities, not read yet (api_find.c). NULL as api_job_new. */
struct api_job *api_find_list_new(const struct api_call *call);

/* Reads its query, which must be about one user: the one of the path, borrowed for as long as the
 * job lives, or NULL for the one that the query names. INVALID, NO_MEMORY. */
MUST_USE enum status api_find_list_read(struct api_job *job, const struct str *user_id,
                                        struct error *err);

/* api_job_start for such a job, narrowed to the users of the caller. */
void api_find_list_start(const struct api_call *call, struct api_job *job, enum status read,
                         const struct error *err);

/* Sets the job going on a pool thread; takes the job. */
void api_job_offload(struct http_exchange *exchange, struct api_job *job);

/* The same as soon as what `after` names is stored, or answers that it is not (api_await.c). */
void api_job_await(const struct api_call *call, struct api_job *job);

/* Sets the job going, which answers the call in the end; takes the job. `read` is what came of
 * reading the request: anything but OK is answered at once, in the words of `err`. */
void api_job_start(const struct api_call *call, struct api_job *job, enum status read,
                   const struct error *err);

/* Tags the answer, on the pool thread. */
void api_tag_make(struct api_job *job);

/* 200, or 304 to a client that has the answer already. */
void api_tag_answer(struct http_exchange *exchange, const struct api_job *job);
