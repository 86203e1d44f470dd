#include "infrastructure/event_log_kafka/append_block.h"

#include "application/activity_message.h"
#include "base/assert.h"

#include <stdlib.h>

/* Names, quotes and two times: what a message has besides the texts of its activity. */
enum { MESSAGE_FRAME_BYTES = 124 };

struct message_head {
    uint32_t key_len;
    uint32_t value_len;
    uint32_t trace_len;
};

size_t append_block_estimate(const struct activity *activities, size_t count)
{
    size_t bytes = sizeof(struct append_block);
    for (size_t i = 0; i < count; i++) {
        bytes += sizeof(struct message_head) + MESSAGE_FRAME_BYTES + activities[i].user_id.len +
                 activity_text_bytes(&activities[i]);
    }
    return bytes;
}

static void encode(struct buffer *buffer, const struct activity *activity)
{
    struct message_head head = {.key_len = (uint32_t)activity->user_id.len,
                                .trace_len = (uint32_t)activity->trace.len};
    size_t head_at = buffer->len;
    buffer_append(buffer, &head, sizeof head);
    buffer_append_str(buffer, activity->user_id);
    size_t value_at = buffer->len;
    activity_message_append(buffer, activity);
    if (buffer->failed == STATUS_OK) {
        head.value_len = (uint32_t)(buffer->len - value_at);
        memcpy(buffer->data + head_at, &head, sizeof head);
    }
    buffer_append_str(buffer, activity->trace);
}

enum status append_block_new(const struct activity *activities, size_t count, size_t bytes_max,
                             struct append_block **out_block)
{
    struct append_block blank = {.count = (uint32_t)count, .unsettled = (uint32_t)count};
    struct buffer buffer;
    buffer_init(&buffer, bytes_max);
    enum status status = buffer_reserve(&buffer, append_block_estimate(activities, count));
    if (status == STATUS_OK) {
        buffer_append(&buffer, &blank, sizeof blank);
        for (size_t i = 0; i < count; i++) {
            encode(&buffer, &activities[i]);
        }
        status = buffer.failed;
    }
    if (status != STATUS_OK) {
        buffer_deinit(&buffer);
        return status;
    }
    struct append_block *block = (struct append_block *)(void *)buffer.data;
    block->bytes = buffer.len;
    *out_block = block;
    return STATUS_OK;
}

void append_block_free(struct append_block *block)
{
    position_set_deinit(&block->reached);
    free(block);
}

struct append_walk append_block_walk(const struct append_block *block)
{
    const char *start = (const char *)block;
    return (struct append_walk){.at = start + sizeof *block, .end = start + block->bytes};
}

bool append_walk_next(struct append_walk *walk, struct append_message *out_message)
{
    struct message_head head;
    if (walk->at == walk->end) {
        return false;
    }
    memcpy(&head, walk->at, sizeof head);
    const char *key = walk->at + sizeof head;
    const char *value = key + head.key_len;
    const char *trace = value + head.value_len;
    *out_message = (struct append_message){.key = {key, head.key_len},
                                           .value = {value, head.value_len},
                                           .trace = {trace, head.trace_len}};
    walk->at = trace + head.trace_len;
    return true;
}

/* Most appends touch one partition, for which no memory is needed. */
static enum status reach(struct append_block *block, struct position position)
{
    if (block->reached_count == 0) {
        block->reached_one = position;
        block->reached_count = 1;
        return STATUS_OK;
    }
    if (block->reached_count == 1 && block->reached_one.partition == position.partition) {
        if (block->reached_one.offset < position.offset) {
            block->reached_one = position;
        }
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    if (block->reached_count == 1) {
        status = position_set_raise(&block->reached, block->reached_one);
    }
    if (status == STATUS_OK) {
        status = position_set_raise(&block->reached, position);
    }
    block->reached_count = status == STATUS_OK ? block->reached.count : block->reached_count;
    return status;
}

void append_block_confirm(struct append_block *block, struct position position)
{
    ASSERT(block->unsettled > 0);
    block->unsettled--;
    if (reach(block, position) != STATUS_OK && block->status == STATUS_OK) {
        block->status = STATUS_UNAVAILABLE; /* no promise without saying where it stands */
    }
}

void append_block_fail(struct append_block *block, enum status status, uint32_t count)
{
    ASSERT(block->unsettled >= count);
    block->unsettled -= count;
    if (block->status == STATUS_OK) {
        block->status = status;
    }
}

struct append_result append_block_result(const struct append_block *block, struct uuid log_id)
{
    bool fine = block->status == STATUS_OK;
    const struct position *reached =
        block->reached.count > 0 ? block->reached.items : &block->reached_one;
    return (struct append_result){
        .ticket = block->ticket,
        .status = block->status,
        .durability = DURABILITY_REPLICATED,
        .count = block->count,
        .log_id = log_id,
        .reached = fine ? reached : NULL,
        .reached_count = fine ? block->reached_count : 0,
    };
}

void append_list_init(struct append_list *list)
{
    *list = (struct append_list){.head = &list->stub};
    atomic_store(&list->tail, &list->stub);
}

void append_list_push(struct append_list *list, struct append_block *block)
{
    atomic_store_explicit(&block->pushed_next, NULL, memory_order_relaxed);
    struct append_block *before = atomic_exchange(&list->tail, block);
    atomic_store_explicit(&before->pushed_next, block, memory_order_release);
}

static struct append_block *next_of(struct append_block *block)
{
    return atomic_load_explicit(&block->pushed_next, memory_order_acquire);
}

struct append_block *append_list_pop(struct append_list *list)
{
    struct append_block *head = list->head;
    struct append_block *next = next_of(head);
    if (head == &list->stub) {
        if (next == NULL) {
            return NULL;
        }
        list->head = head = next;
        next = next_of(head);
    }
    if (next == NULL && head == atomic_load(&list->tail)) {
        /* The last one can only leave when something stands behind it. */
        append_list_push(list, &list->stub);
        next = next_of(head);
    }
    if (next == NULL) {
        return NULL;
    }
    list->head = next;
    return head;
}

bool append_list_is_empty(struct append_list *list)
{
    return list->head == &list->stub && atomic_load(&list->tail) == &list->stub;
}
