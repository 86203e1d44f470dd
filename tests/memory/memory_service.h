#pragma once
/*
 * The API on a real transport, a log and a store in memory, for tests that take its memory away.
 * The worker is the test. One thread, whose own allocations should be spared.
 */
#include "application/event_log.h"
#include "application/find_activities.h"
#include "application/live_tail.h"
#include "application/record_activities.h"
#include "domain/activity_store.h"
#include "interfaces/api/api.h"

struct memory_service {
    struct event_log *log;
    struct activity_store *store;
    struct record_activities recorder;
    struct find_activities finder;
    struct live_tail *live;
    struct api *api;
    struct http_server *server;
    uint16_t port;
};

/* Fails the test where something cannot be made. */
void memory_service_start(struct memory_service *service);

/* Ends the server and frees all of it. */
void memory_service_stop(struct memory_service *service);

/* Puts what is new in the log into the store, and says how many rows that were. Calls `visit` for
 * each unless it is NULL. */
typedef void memory_service_visit(const struct activity *activity);
size_t memory_service_work(struct memory_service *service, memory_service_visit *visit);
