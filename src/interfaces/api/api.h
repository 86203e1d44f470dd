#pragma once
/*
 * The HTTP API over the use cases: what http_server calls, and what it answers. Made and freed by
 * main; the handler runs on the event loops.
 */
#include "application/accounting.h"
#include "application/await_stored.h"
#include "application/checkpoint_source.h"
#include "application/content_hash.h"
#include "application/count_activities.h"
#include "application/erase_user.h"
#include "application/find_activities.h"
#include "application/list_refusals.h"
#include "application/live_tail.h"
#include "application/receipt_signer.h"
#include "application/record_activities.h"
#include "application/resend_refusals.h"
#include "application/store_activities.h"
#include "application/summarize_user.h"
#include "application/tracer.h"
#include "base/error.h"
#include "base/logger.h"
#include "base/random.h"
#include "interfaces/api/api_access.h"
#include "interfaces/api/api_reloads.h"
#include "interfaces/http/http_server.h"

struct api;

struct api_config {
    struct record_activities *recorder; /* borrowed, as all of these */
    struct find_activities *finder;
    struct count_activities *counter;
    struct await_stored *waits;
    struct summarize_user *summarizer;
    struct erase_user *eraser;
    struct list_refusals *refusals;
    struct resend_refusals *resender;
    struct accounting *accounting;
    struct live_tail *live;                /* NULL: nobody can follow, as with probes only */
    struct checkpoint_source *checkpoints; /* NULL: nobody signs any */
    const struct receipt_signer *receipts; /* of erasures; NULL: they go unsigned */
    struct event_log *log;
    struct activity_store *store;
    struct store_activities *worker; /* NULL: works in other processes */
    bool probes_only;                /* nothing is accepted or answered here but probes */
    bool any_host;                   /* whoever reaches the service may ask it, by whatever name */
    struct str cors_origins;         /* whose pages may; see api_origin_check_list */
    struct api_access_config access; /* who may do what */
    const struct api_reloads *reloads; /* NULL: nobody counts them */
    struct metric_source *metrics;     /* of whatever else there is; NULL: nothing */
    const struct tracer *tracer;       /* NULL: nobody collects spans */
    bool carries_traces; /* the log leads to others, who may go on with what a header says of a
                            trace, also where nobody collects spans here */
    const struct activity_rules *rules;
    const struct clock *clock;
    const struct random *random;         /* of names of requests */
    const struct logger *logger;         /* of lines about requests */
    const struct content_hash *hashes;   /* one for each loop */
    const struct content_hash *tag_hash; /* unlike these used by any thread, several at once */
    const char *version;
    size_t activity_bytes_max; /* JSON text of one activity */
    size_t batch_bytes_max;    /* body of an array */
    size_t batch_activities_max;
    unsigned loops; /* as in http_server_config */
};

/* NO_MEMORY. */
MUST_USE enum status api_new(const struct api_config *config, struct api **out_api,
                             struct error *err);

struct http_handler api_handler(struct api *api);

/* Names the server that late results go to; before it starts. */
void api_set_server(struct api *api, struct http_server *server);

/* From now on /readyz answers 503, while requests are still served. Any thread. */
void api_begin_drain(struct api *api);

/* Takes NULL. After the server stopped and the log was freed. */
void api_free(struct api *api);
CLEANUP_FUNCTION(struct api *, api_free)
