#include "infrastructure/event_log_spill/held_append.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct activity *activities, size_t count)
{
    size_t bytes = sizeof(struct held_append) + count * sizeof(struct activity);
    for (size_t i = 0; i < count; i++) {
        bytes += activity_text_bytes(&activities[i]);
    }
    return bytes;
}

static void move_text(char **at, struct str *text)
{
    if (text->len > 0) {
        memcpy(*at, text->data, text->len);
    }
    text->data = *at;
    *at += text->len;
}

struct held_append *held_append_make(const struct activity *activities, size_t count)
{
    size_t bytes = bytes_of(activities, count);
    struct held_append *held = malloc(bytes);
    if (held == NULL) {
        return NULL;
    }
    *held = (struct held_append){.bytes = bytes, .count = count};
    char *at = (char *)&held->activities[count];
    for (size_t i = 0; i < count; i++) {
        struct activity *copy = &held->activities[i];
        *copy = activities[i];
        move_text(&at, &copy->id);
        move_text(&at, &copy->user_id);
        move_text(&at, &copy->action);
        move_text(&at, &copy->metadata);
        move_text(&at, &copy->trace);
    }
    return held;
}

struct append_ticket held_append_ticket(struct held_append *held)
{
    return (struct append_ticket){.generation = (uint64_t)(uintptr_t)held};
}

struct held_append *held_append_of(struct append_ticket ticket)
{
    return (struct held_append *)(uintptr_t)ticket.generation;
}

void held_list_push(struct held_list *list, struct held_append *held)
{
    held->previous = list->last;
    held->next = NULL;
    if (list->last == NULL) {
        list->first = held;
    } else {
        list->last->next = held;
    }
    list->last = held;
}

void held_list_push_front(struct held_list *list, struct held_append *held)
{
    held->previous = NULL;
    held->next = list->first;
    if (list->first == NULL) {
        list->last = held;
    } else {
        list->first->previous = held;
    }
    list->first = held;
}

void held_list_remove(struct held_list *list, struct held_append *held)
{
    struct held_append **before = held->previous == NULL ? &list->first : &held->previous->next;
    struct held_append **behind = held->next == NULL ? &list->last : &held->next->previous;
    ASSERT(*before == held && *behind == held);
    *before = held->next;
    *behind = held->previous;
}

/* All of the first one that was not told yet. */
static void tell_listener(struct held_result *results, size_t first, size_t count)
{
    struct append_listener *listener = results[first].held->listener;
    struct append_result own[HELD_RESULTS_MAX];
    size_t found = 0;
    for (size_t i = first; i < count; i++) {
        struct held_append *held = results[i].held;
        if (held != NULL && held->listener == listener) {
            own[found] = results[i].result;
            own[found++].ticket = held->ticket;
            results[i].held = NULL;
            free(held);
        }
    }
    listener->completed(listener, own, found);
}

void held_results_tell(struct held_result *results, size_t count)
{
    ASSERT(count <= HELD_RESULTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (results[i].held != NULL) {
            tell_listener(results, i, count);
        }
    }
}
