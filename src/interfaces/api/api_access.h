#pragma once
/*
 * Who may ask for what, and how often: asked once for each request before its body is read, and
 * again where an answer depends on users. Loop thread only, except where a function says otherwise.
 *
 * An operation says what it needs (api_private.h); what says nothing is for nobody once there are
 * keys.
 */
#include "application/access_control.h"
#include "application/rate_limiter.h"
#include "base/shared_snapshot.h"
#include "domain/activity.h"
#include "domain/rejection.h"
#include "interfaces/api/client_address.h"

#include <stdatomic.h>

struct api;
struct api_call;
struct api_loop;
struct api_operation;
struct http_problem;

enum { API_RATE_POLICY_BYTES = 96, API_RATE_LIMIT_BYTES = 128, API_LIMIT_DETAIL_BYTES = 192 };

/* All borrowed. All zero: everybody may do everything, as often as they like. */
struct api_access_config {
    const struct access_control *control;   /* NULL: there are no keys */
    struct rate_limiter *key_limiter;       /* NULL: keys never have a limit */
    struct rate_limiter *address_limiter;   /* NULL: addresses never have one */
    const struct client_ranges *proxies;    /* that are trusted; with an address_limiter */
    struct shared_snapshot *denied_actions; /* of struct denied_actions; NULL: none */
    const _Atomic uint64_t *reloads; /* for /health, as the next two; NULL: it says nothing */
    const _Atomic uint64_t *failed_reloads;
    const _Atomic uint64_t *keys;
};

/* What was not let in; one writer, any reader. */
struct api_access_counters {
    _Atomic uint64_t unauthorized; /* 401 */
    _Atomic uint64_t forbidden;    /* 403 */
    _Atomic uint64_t limited;      /* 429 */
};

/* Who a request is from; lives in its exchange. */
struct api_caller {
    struct access_grant grant;
    bool shows_token; /* as ?token= */
    uint64_t reloads; /* of the keys, before this one was looked for */
    struct rate_bucket address;
    struct rate_bucket key;
    struct rate_standing address_standing; /* without a limit nothing is asked of it any more */
    struct rate_standing key_standing;
    char policy[API_RATE_POLICY_BYTES]; /* the field RateLimit-Policy */
    char limits[API_RATE_LIMIT_BYTES];  /* the field RateLimit */
};

/* Whether the request is let in, and then the call says whose it is; otherwise it is answered: 401,
 * 403, 429. */
bool api_access_admits(struct api_call *call);

/* Puts who it is into the call, and takes what nobody else needs to know out of its query. False:
 * there is no memory, and the call is answered so. */
bool api_access_recall(struct api_call *call, struct http_request *room);

/* The request is about so many activities: they count as so many requests. False: that is too much
 * now, and the call is answered: 429. */
bool api_access_charges(const struct api_call *call, size_t activities);

/* The same for lines while they arrive, beside the one that entering paid; on false what to tell,
 * with `detail`. */
bool api_access_charges_lines(const struct api_loop *loop, const struct api_caller *who,
                              size_t lines, char detail[API_LIMIT_DETAIL_BYTES],
                              struct http_problem *out_problem);

/* What somebody showed who was let in for something that lasts, to be looked at again. */
struct api_pass {
    const struct api_operation *operation; /* that it is for */
    struct str credential;                 /* {NULL, 0}: there are no keys */
    struct access_grant grant;
    uint64_t reloads; /* as of the last look */
};

/* Copies it to `arena`. False: the call is answered. */
bool api_access_take_pass(const struct api_call *call, struct arena *arena,
                          struct api_pass *out_pass);

/* Whether who has the pass would still be let in, to the same users; looks when the keys were read
 * again. Where there is no memory to look, no. */
bool api_access_still_admits(const struct api_loop *loop, struct api_pass *pass);

/* The same for a request whose body still comes; on false what to tell, which is counted as not let
 * in. `exchange` has not begun its answer, or is NULL. */
bool api_access_admits_more(struct api_loop *loop, struct http_exchange *exchange,
                            struct api_pass *pass, struct http_problem *out_problem);

/* Whether the caller may record it: OK, or INVALID and the rejection says why not. */
MUST_USE enum status api_access_check_activity(const struct api_loop *loop,
                                               const struct api_caller *caller,
                                               const struct activity *activity,
                                               struct rejection *rejection);

/* Narrows a question to the users of the caller; their names are copied to `arena`. `user_ids` is
 * the array that the filter points to, with room for FILTER_NAMES_MAX. False: the call is answered:
 * 403 for other users. */
bool api_access_narrows(const struct api_call *call, struct activity_filter *filter,
                        struct str *user_ids, struct arena *arena);

/* Whether the caller may do with this user what the route is for; otherwise the call is answered:
 * 403. */
bool api_access_covers(const struct api_call *call, struct str user_id);

/* What /health says of it, as a member with a comma in front; nothing without access control. Any
 * thread. */
void api_access_append_health(const struct api *api, struct buffer *json);
