#include "interfaces/http/http_body.h"

#include <stdlib.h>
#include <string.h>

enum {
    BODY_KEPT_BYTES = 4096,       /* what an exchange keeps from request to request */
    BODY_FIRST_BYTES = 64 * 1024, /* at most reserved on the word of a Content-Length */
};

void http_body_init(struct http_body *body, struct memory_budget *memory)
{
    *body = (struct http_body){.memory = memory};
}

static void memory_release(struct http_body *body)
{
    if (body->charged > 0) {
        memory_budget_release(body->memory, body->charged);
        body->charged = 0;
    }
}

void http_body_reset(struct http_body *body)
{
    memory_release(body);
    body->len = 0;
    if (body->capacity > BODY_KEPT_BYTES) {
        free(body->data);
        body->data = NULL;
        body->capacity = 0;
    }
}

void http_body_deinit(struct http_body *body)
{
    memory_release(body);
    free(body->data);
    body->data = NULL;
    body->capacity = 0;
}

static enum status memory_charge(struct http_body *body, size_t capacity)
{
    if (capacity <= body->charged) {
        return STATUS_OK;
    }
    if (!memory_budget_charge(body->memory, capacity - body->charged)) {
        return STATUS_BUSY;
    }
    body->charged = capacity;
    return STATUS_OK;
}

static size_t capacity_choose(const struct http_body *body, size_t needed, size_t expected)
{
    size_t capacity = body->capacity > needed / 2 ? body->capacity * 2 : needed;
    if (capacity < BODY_KEPT_BYTES) {
        capacity = BODY_KEPT_BYTES;
    }
    if (expected <= BODY_FIRST_BYTES && capacity < expected) {
        capacity = expected;
    }
    return capacity > expected && expected >= needed && expected > BODY_KEPT_BYTES ? expected
                                                                                   : capacity;
}

static enum status body_reserve(struct http_body *body, size_t needed, size_t expected)
{
    size_t capacity = body->capacity;
    if (needed > capacity || body->data == NULL) {
        capacity = capacity_choose(body, needed, expected);
    }
    enum status status = memory_charge(body, capacity);
    if (status != STATUS_OK || capacity == body->capacity) {
        return status;
    }
    char *grown = realloc(body->data, capacity + HTTP_BODY_PADDING);
    if (grown == NULL) {
        return STATUS_NO_MEMORY;
    }
    body->data = grown;
    body->capacity = capacity;
    return STATUS_OK;
}

enum status http_body_append(struct http_body *body, const char *data, size_t len, size_t expected)
{
    enum status status = body_reserve(body, body->len + len, expected);
    if (status == STATUS_OK) {
        memcpy(body->data + body->len, data, len);
        body->len += len;
    }
    return status;
}

enum status http_body_finish(struct http_body *body)
{
    enum status status = body_reserve(body, body->len, 0);
    if (status == STATUS_OK) {
        memset(body->data + body->len, 0, HTTP_BODY_PADDING);
    }
    return status;
}
