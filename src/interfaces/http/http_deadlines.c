#include "interfaces/http/http_deadlines.h"

#include "base/assert.h"

#include <stddef.h>

void http_deadlines_init(struct http_deadlines *deadlines,
                         const uint64_t timeout_ms[HTTP_DEADLINE_COUNT])
{
    for (int kind = 0; kind < HTTP_DEADLINE_COUNT; kind++) {
        struct http_deadline *head = &deadlines->lists[kind];
        *head = (struct http_deadline){.previous = head, .next = head};
        deadlines->timeout_ms[kind] = timeout_ms[kind];
    }
}

void http_deadline_clear(struct http_deadline *deadline)
{
    if (deadline->kind == HTTP_DEADLINE_NONE) {
        return;
    }
    deadline->previous->next = deadline->next;
    deadline->next->previous = deadline->previous;
    deadline->kind = HTTP_DEADLINE_NONE;
}

void http_deadline_set(struct http_deadlines *deadlines, struct http_deadline *deadline,
                       enum http_deadline_kind kind, uint64_t now_ms)
{
    ASSERT(kind > HTTP_DEADLINE_NONE && kind < HTTP_DEADLINE_COUNT);
    http_deadline_clear(deadline);
    struct http_deadline *head = &deadlines->lists[kind];
    deadline->kind = kind;
    deadline->due_ms = now_ms + deadlines->timeout_ms[kind];
    deadline->next = head;
    deadline->previous = head->previous;
    head->previous->next = deadline;
    head->previous = deadline;
}

static const struct http_deadline *list_oldest(const struct http_deadline *head)
{
    return head->next == head ? NULL : head->next;
}

bool http_deadlines_next(const struct http_deadlines *deadlines, uint64_t *out_due_ms)
{
    bool found = false;
    for (int kind = HTTP_DEADLINE_NONE + 1; kind < HTTP_DEADLINE_COUNT; kind++) {
        const struct http_deadline *oldest = list_oldest(&deadlines->lists[kind]);
        if (oldest != NULL && (!found || oldest->due_ms < *out_due_ms)) {
            *out_due_ms = oldest->due_ms;
            found = true;
        }
    }
    return found;
}

struct http_deadline *http_deadlines_take_due(struct http_deadlines *deadlines, uint64_t now_ms,
                                              enum http_deadline_kind *out_kind)
{
    for (int kind = HTTP_DEADLINE_NONE + 1; kind < HTTP_DEADLINE_COUNT; kind++) {
        struct http_deadline *head = &deadlines->lists[kind];
        struct http_deadline *oldest = head->next;
        if (oldest != head && oldest->due_ms <= now_ms) {
            *out_kind = oldest->kind;
            http_deadline_clear(oldest);
            return oldest;
        }
    }
    return NULL;
}

void http_deadlines_shorten(struct http_deadlines *deadlines, enum http_deadline_kind kind,
                            uint64_t timeout_ms, uint64_t now_ms)
{
    struct http_deadline *head = &deadlines->lists[kind];
    deadlines->timeout_ms[kind] = timeout_ms;
    for (struct http_deadline *at = head->next; at != head; at = at->next) {
        if (at->due_ms > now_ms + timeout_ms) {
            at->due_ms = now_ms + timeout_ms;
        }
    }
}
