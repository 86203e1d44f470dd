#include "interfaces/http/http_answer.h"

enum {
    KEPT_BYTES = 4096,              /* from request to request */
    UNCHARGED_BYTES_MAX = 16 * 1024 /* smaller ones do not touch what the loops share */
};

#define ANSWER_BYTES_MAX ((size_t)1 << 30)

void http_answer_init(struct http_answer *answer, struct memory_budget *memory)
{
    *answer = (struct http_answer){.memory = memory};
    buffer_init(&answer->bytes, UNCHARGED_BYTES_MAX);
}

void http_answer_reset(struct http_answer *answer, bool trim)
{
    if (trim || answer->bytes.capacity > KEPT_BYTES) {
        http_answer_deinit(answer);
    } else {
        buffer_clear(&answer->bytes);
    }
}

/* Only answers beyond what is kept are charged, so none that keeps its memory holds a share. */
void http_answer_deinit(struct http_answer *answer)
{
    buffer_deinit(&answer->bytes);
    buffer_init(&answer->bytes, UNCHARGED_BYTES_MAX);
    if (answer->charged > 0) {
        memory_budget_release(answer->memory, answer->charged);
        answer->charged = 0;
    }
}

/* Charged with its whole length at once, which then is also the most that it allocates. */
static enum status answer_charge(struct http_answer *answer, size_t bytes)
{
    if (bytes > ANSWER_BYTES_MAX) {
        return STATUS_TOO_LARGE;
    }
    if (!memory_budget_charge(answer->memory, bytes)) {
        return STATUS_BUSY;
    }
    answer->charged = bytes;
    buffer_deinit(&answer->bytes);
    buffer_init(&answer->bytes, bytes);
    return buffer_reserve(&answer->bytes, bytes);
}

enum status http_answer_render(struct http_answer *answer, const struct http_response *response,
                               const struct http_response_frame *frame)
{
    size_t bytes = http_response_bytes_max(response, frame);
    enum status status = bytes > UNCHARGED_BYTES_MAX ? answer_charge(answer, bytes) : STATUS_OK;
    if (status == STATUS_OK) {
        http_response_render(response, frame, &answer->bytes);
        status = answer->bytes.failed;
    }
    if (status != STATUS_OK) {
        http_answer_deinit(answer);
    }
    return status;
}
