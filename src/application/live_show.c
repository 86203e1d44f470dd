/* How events of a live tail read. */
#include "application/activity_json.h"
#include "application/live_tail_private.h"
#include "application/receipt.h"

#include <stdlib.h>

/* In front of the text of a receipt, which says something else by the same positions. */
static const char id_prefix = 't';

#define RETRY_MS "2000"

void live_tail_append_id(struct uuid log_id, const struct position_set *reached,
                         struct buffer *out_text)
{
    buffer_append_char(out_text, id_prefix);
    receipt_encode(log_id, reached->items, reached->count, out_text);
}

enum status live_tail_read_id(struct str text, struct uuid *out_log_id,
                              struct position_set *out_positions, struct error *err)
{
    enum status status = STATUS_INVALID;
    if (text.len > 0 && text.data[0] == id_prefix) {
        struct str receipt = {text.data + 1, text.len - 1};
        status = receipt_decode(receipt, out_log_id, out_positions, err);
    }
    if (status == STATUS_INVALID) {
        return error_set(err, status, 0,
                         "this is not the id of an event of this service, or a "
                         "part of it is missing");
    }
    return status;
}

enum status live_judge(struct live_tail *tail, struct live_batch *batch, struct error *err)
{
    struct activity_batch left = batch->rows.batch;
    left.rows += batch->done;
    left.count -= batch->done;
    if (left.count == 0) {
        return STATUS_OK;
    }
    return erasure_lookup_ask(tail->config.erasures, &left, batch->erased + batch->done, err);
}

static struct live_event *event_of(struct live_tail *tail, const struct activity *activity)
{
    return tail->frame.failed == STATUS_OK
               ? live_event_new(&tail->memory, buffer_str(&tail->frame), activity)
               : NULL;
}

static void append_id(struct live_tail *tail, const struct position_set *reached)
{
    buffer_append_literal(&tail->frame, "id: ");
    live_tail_append_id(tail->log_id, reached, &tail->frame);
    buffer_append_char(&tail->frame, '\n');
}

struct live_event *live_render(struct live_tail *tail, const struct position_set *reached,
                               const struct activity *activity)
{
    struct buffer *frame = &tail->frame;
    buffer_clear(frame);
    append_id(tail, reached);
    buffer_append_literal(frame, "event: activity\ndata: ");
    activity_json_append(frame, activity);
    buffer_append_literal(frame, "\n\n");
    return event_of(tail, activity);
}

/* False: there is no event, since there was no memory. */
static bool push(struct live_listener *listener, struct live_event *event)
{
    if (event == NULL) {
        return false;
    }
    live_listener_push(listener, event);
    live_event_unref(event);
    return true;
}

void live_push_gap(struct live_tail *tail, struct live_listener *listener, uint64_t missed,
                   const char *why)
{
    struct buffer *frame = &tail->frame;
    uint64_t activities = missed == LIVE_GAP_UNKNOWN ? 1 : missed;
    buffer_clear(frame);
    buffer_append_literal(frame, "event: gap\ndata: {\"missed\":");
    if (missed == LIVE_GAP_UNKNOWN) {
        buffer_append_literal(frame, "null");
    } else {
        buffer_append_u64(frame, missed);
    }
    buffer_append_format(frame, ",\"reason\":\"%s\"}\n\n", why);
    struct live_event *event = event_of(tail, NULL);
    if (event != NULL) {
        event->activities = activities;
    }
    if (!push(listener, event)) {
        live_listener_lose(listener, activities);
    }
}

bool live_push_opening(struct live_tail *tail, struct live_listener *listener,
                       const struct position_set *reached)
{
    buffer_clear(&tail->frame);
    buffer_append_literal(&tail->frame, "retry: " RETRY_MS "\n");
    if (reached != NULL) {
        append_id(tail, reached);
    }
    buffer_append_char(&tail->frame, '\n');
    return push(listener, event_of(tail, NULL));
}

/* With the place up to which there was nothing for this listener, so that who hears seldom of
 * something need not read all of that again. Without memory the next one does. */
void live_push_heartbeat(struct live_tail *tail, struct live_listener *listener)
{
    buffer_clear(&tail->frame);
    buffer_append_literal(&tail->frame, ": heartbeat\n");
    if (listener->backfill == NULL) {
        append_id(tail, &tail->reached);
    }
    buffer_append_char(&tail->frame, '\n');
    (void)push(listener, event_of(tail, NULL));
}
