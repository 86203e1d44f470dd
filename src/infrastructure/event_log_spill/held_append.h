#pragma once
/*
 * Copies of appends that are not durable anywhere yet, in the order of appending. Whoever owns a
 * list guards it.
 */
#include "application/event_log.h"

struct held_append {
    struct held_append *previous;
    struct held_append *next;
    struct append_listener *listener; /* the caller's, with its ticket */
    struct append_ticket ticket;
    size_t bytes; /* of all this in memory */
    size_t count;
    struct activity activities[]; /* their texts lie behind */
};

/* NULL without memory. */
struct held_append *held_append_make(const struct activity *activities, size_t count);

/* Leads from a result of a log that was given this ticket back to the append. */
struct append_ticket held_append_ticket(struct held_append *held);
struct held_append *held_append_of(struct append_ticket ticket);

struct held_list {
    struct held_append *first;
    struct held_append *last;
};

void held_list_push(struct held_list *list, struct held_append *held);
void held_list_push_front(struct held_list *list, struct held_append *held);
void held_list_remove(struct held_list *list, struct held_append *held);

/* Results for callers, each with the append it is of. */
struct held_result {
    struct held_append *held;
    struct append_result result; /* its ticket is set on the way */
};

enum { HELD_RESULTS_MAX = 64 }; /* at once */

/* Tells the callers, each listener once with all of its own, and frees the appends. No lock may be
 * held. */
void held_results_tell(struct held_result *results, size_t count);
