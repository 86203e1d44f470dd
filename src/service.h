#pragma once
/*
 * What keeps activities: event log, store, use cases and worker as the settings name them. serve
 * and import are made of it; only they and this may name every layer. Called by main's thread.
 */
#include "application/accounting.h"
#include "application/await_stored.h"
#include "application/count_activities.h"
#include "application/erase_user.h"
#include "application/erasure_watch.h"
#include "application/find_activities.h"
#include "application/list_refusals.h"
#include "application/live_tail.h"
#include "application/record_activities.h"
#include "application/resend_refusals.h"
#include "application/store_activities.h"
#include "application/summarize_user.h"
#include "base/logger.h"
#include "infrastructure/activity_store_local/checkpoint.h"
#include "infrastructure/config/settings.h"
#include "infrastructure/disk/disk.h"
#include "infrastructure/receipt_signature/receipt_signature_ed25519.h"
#include "infrastructure/service_manager/service_manager.h"
#include "interfaces/api/api.h"
#include "service_access.h"
#include "service_traces.h"

#include <pthread.h>

/* What the adapters are opened for. */
enum service_use {
    SERVICE_SERVES,  /* what the role does, from where it left off */
    SERVICE_REPLAYS, /* reading the log again into the store */
    SERVICE_FORWARDS /* sending on what waits in a spill */
};

struct service_hashes;

struct service {
    enum service_use use;
    struct settings settings;
    struct settings_sources sources; /* of serve, to read them again */
    struct logger logger;
    struct activity_rules rules;
    struct event_log *log;
    struct event_log *kafka_log; /* the one that all others stand before; NULL: not Kafka */
    struct event_log *spill_log; /* what the spill writes to; NULL: there is none */
    struct uuid log_settings;    /* stands for what the settings say of it */
    enum status log_status;      /* CORRUPT: it is another topic than the one that was known; behind
                                    service_take_down */
    struct moved_activities *moved; /* out of the spill; NULL: there is none */
    char spill_dir[DISK_PATH_BYTES_MAX];
    struct event_log *local_log; /* the same without a tracer around it; NULL: not a local one */
    struct activity_store *store;
    struct activity_store *local_store; /* likewise */
    struct refusal_list *refusals;
    struct checkpoint_signer signer;
    struct checkpoint_source checkpoints;      /* signed by the local store */
    struct receipt_signature_ed25519 receipts; /* of erasures; only with a key */
    struct record_activities recorder;
    struct find_activities finder;
    struct count_activities counter;
    struct summarize_user summarizer;
    struct await_stored *waits; /* NULL: nobody asks here */
    struct erase_user eraser;
    struct erasure_watch erasure_watch; /* of an API server */
    struct list_refusals lister;
    struct erasure_lookup *erasures; /* of the store */
    struct log_tail_source *tails;   /* of the log */
    struct log_tail_source kafka_tails;
    struct live_tail *live;        /* NULL: nobody can follow here */
    struct service_hashes *hashes; /* of the API's loops */
    struct resend_refusals resender;
    struct accounting accounting;
    struct store_activities *worker; /* NULL: works in other processes */
    pthread_t worker_thread;
    bool worker_runs;
    enum status worker_status;
    struct error worker_err;
    struct service_access access;
    struct service_traces traces;
    struct metric_source metrics; /* of adapters and of the process */
    struct api *api;
    struct http_server *server;
    struct http_tls *tls; /* NULL: none */
    struct api_reloads reloads;
    struct service_manager manager;
    char status[SERVICE_MANAGER_STATUS_BYTES_MAX]; /* that it was told when the service was ready */
};

/* INVALID: adapters that this version does not have, or values that cannot be meant. */
MUST_USE enum status service_check_settings(const struct settings *settings, struct error *err);

/* What the clients of Kafka and MongoDB say to the settings meant for them; no server is asked.
 * INVALID. */
MUST_USE enum status service_check_clients(struct service *service, struct error *err);

/* As far as this user may. Returns how many there are then; 0: that is not known. */
uint64_t service_raise_descriptor_limit(void);

/* Has malloc give freed memory back to the system. Once, before anything large is allocated. */
void service_set_up_memory(void);

/* Opens log, store and refused list and makes the use cases between them, from settings and logger.
 * BUSY: another process holds the folder. What was opened is there for service_take_down also on
 * failure. */
MUST_USE enum status service_open(struct service *service, struct error *err);

/* One for each loop, as api_config wants them; they go with the service. NO_MEMORY. */
MUST_USE enum status service_make_hashes(struct service *service,
                                         const struct content_hash **out_hashes, struct error *err);

/* For any thread; slower by what it takes to begin. */
extern const struct content_hash service_any_thread_hash;

/* Where the worker is in other processes, only its erasures are watched. */
MUST_USE enum status service_start_worker(struct service *service, struct error *err);

/* Returns when the worker has ended; worker_status says how. */
void service_stop_worker(struct service *service);

/* Takes one of which nothing was opened, too. The server must have been stopped. */
void service_take_down(struct service *service);
