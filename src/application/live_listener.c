#include "application/live_listener.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* --- events --- */

static size_t bytes_of(size_t text_len, size_t user_len)
{
    return sizeof(struct live_event) + text_len + user_len;
}

struct live_event *live_event_new(struct memory_budget *memory, struct str text,
                                  const struct activity *activity)
{
    struct str user = activity == NULL ? STR("") : activity->user_id;
    size_t bytes = bytes_of(text.len, user.len);
    if (!memory_budget_charge(memory, bytes)) {
        return NULL;
    }
    struct live_event *event = malloc(bytes);
    if (event == NULL) {
        memory_budget_release(memory, bytes);
        return NULL;
    }
    event->memory = memory;
    atomic_init(&event->references, 1);
    event->activities = activity != NULL;
    event->received_at_ms = activity == NULL ? 0 : activity->received_at_ms;
    event->len = text.len;
    event->user_len = user.len;
    memcpy(event->text, text.data, text.len);
    memcpy(event->text + text.len, user.data, user.len);
    return event;
}

void live_event_unref(struct live_event *event)
{
    if (atomic_fetch_sub(&event->references, 1) == 1) {
        memory_budget_release(event->memory, bytes_of(event->len, event->user_len));
        free(event);
    }
}

/* --- life --- */

void live_listener_init(struct live_listener *listener)
{
    atomic_init(&listener->references, 1);
    int failed = pthread_mutex_init(&listener->mutex, NULL);
    ASSERT(failed == 0);
}

void live_listener_ref(struct live_listener *listener)
{
    atomic_fetch_add(&listener->references, 1);
}

static struct live_event *pop(struct live_listener *listener)
{
    struct live_event *event = listener->events[listener->first];
    listener->first = (listener->first + 1) % LIVE_QUEUE_EVENTS_MAX;
    listener->count--;
    listener->bytes -= event->len;
    return event;
}

void live_listener_unref(struct live_listener *listener)
{
    if (atomic_fetch_sub(&listener->references, 1) > 1) {
        return;
    }
    while (listener->count > 0) {
        live_event_unref(pop(listener));
    }
    position_set_deinit(&listener->from);
    pthread_mutex_destroy(&listener->mutex);
    listener->released(listener);
}

/* --- for the owner --- */

enum live_state live_listener_state(struct live_listener *listener, struct error *out_why)
{
    pthread_mutex_lock(&listener->mutex);
    enum live_state state = listener->state;
    *out_why = listener->why;
    pthread_mutex_unlock(&listener->mutex);
    return state;
}

struct live_event *live_listener_take(struct live_listener *listener, uint64_t *out_lost)
{
    pthread_mutex_lock(&listener->mutex);
    *out_lost = listener->lost;
    listener->lost = 0;
    struct live_event *event = listener->count == 0 ? NULL : pop(listener);
    pthread_mutex_unlock(&listener->mutex);
    return event;
}

bool live_listener_rest(struct live_listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    bool empty = listener->count == 0 && listener->lost == 0;
    bool rests = listener->state == LIVE_JOINS || (listener->state == LIVE_FOLLOWS && empty);
    listener->awake = !rests;
    pthread_mutex_unlock(&listener->mutex);
    return rests;
}

/* --- for the tail --- */

/* Under the lock; true: its owner is to be woken. */
static bool wakes(struct live_listener *listener)
{
    bool sleeps = !listener->awake && !listener->left;
    listener->awake = true;
    return sleeps;
}

static bool is_full(const struct live_listener *listener, size_t more)
{
    return listener->count == LIVE_QUEUE_EVENTS_MAX ||
           (listener->count > 0 && listener->bytes + more > LIVE_QUEUE_BYTES_MAX);
}

void live_listener_push(struct live_listener *listener, struct live_event *event)
{
    bool woken = false;
    pthread_mutex_lock(&listener->mutex);
    if (!listener->left) {
        while (is_full(listener, event->len)) {
            struct live_event *oldest = pop(listener);
            listener->lost += oldest->activities;
            live_event_unref(oldest);
        }
        atomic_fetch_add(&event->references, 1);
        listener->events[(listener->first + listener->count) % LIVE_QUEUE_EVENTS_MAX] = event;
        listener->count++;
        listener->bytes += event->len;
        woken = wakes(listener);
    }
    pthread_mutex_unlock(&listener->mutex);
    if (woken) {
        listener->woken(listener);
    }
}

void live_listener_lose(struct live_listener *listener, uint64_t activities)
{
    pthread_mutex_lock(&listener->mutex);
    while (listener->count > 0) { /* what is lost is told in front of what is there */
        struct live_event *oldest = pop(listener);
        listener->lost += oldest->activities;
        live_event_unref(oldest);
    }
    listener->lost += activities;
    bool woken = wakes(listener);
    pthread_mutex_unlock(&listener->mutex);
    if (woken) {
        listener->woken(listener);
    }
}

bool live_listener_has_room(struct live_listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    bool room =
        listener->count < LIVE_QUEUE_EVENTS_MAX / 2 && listener->bytes < LIVE_QUEUE_BYTES_MAX / 2;
    pthread_mutex_unlock(&listener->mutex);
    return room;
}

void live_listener_set_state(struct live_listener *listener, enum live_state state,
                             const struct error *why)
{
    pthread_mutex_lock(&listener->mutex);
    listener->state = state;
    if (why != NULL) {
        listener->why = *why;
    }
    bool woken = wakes(listener);
    pthread_mutex_unlock(&listener->mutex);
    if (woken) {
        listener->woken(listener);
    }
}

bool live_listener_has_left(struct live_listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    bool left = listener->left;
    pthread_mutex_unlock(&listener->mutex);
    return left;
}

void live_listener_set_left(struct live_listener *listener)
{
    pthread_mutex_lock(&listener->mutex);
    listener->left = true;
    while (listener->count > 0) {
        live_event_unref(pop(listener));
    }
    pthread_mutex_unlock(&listener->mutex);
}

static bool is_about(const struct live_event *event, struct str user_id, int64_t before_ms)
{
    struct str user = {event->text + event->len, event->user_len};
    return event->user_len > 0 && event->received_at_ms < before_ms && str_equal(user, user_id);
}

void live_listener_forget(struct live_listener *listener, struct str user_id, int64_t before_ms)
{
    pthread_mutex_lock(&listener->mutex);
    for (size_t left = listener->count; left > 0; left--) {
        struct live_event *event = pop(listener);
        if (is_about(event, user_id, before_ms)) {
            live_event_unref(event);
            continue;
        }
        listener->events[(listener->first + listener->count) % LIVE_QUEUE_EVENTS_MAX] = event;
        listener->count++;
        listener->bytes += event->len;
    }
    pthread_mutex_unlock(&listener->mutex);
}
