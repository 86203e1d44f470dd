#include "application/log_tail.h"

#include "base/assert.h"

enum status log_tail_open(struct log_tail_source *source, const struct position_set *from,
                          struct log_tail_begin *out_begin, struct log_tail **out_tail,
                          struct error *err)
{
    *out_begin = (struct log_tail_begin){0};
    position_set_init(&out_begin->positions);
    return source->open(source, from, out_begin, out_tail, err);
}

enum status log_tail_poll(struct log_tail *tail, size_t rows_max, unsigned wait_ms,
                          struct log_tail_batch *out_batch, struct error *err)
{
    ASSERT(rows_max >= 1 && rows_max <= LOG_TAIL_ROWS_MAX);
    struct log_tail_batch batch = {0};
    enum status status = tail->operations->poll(tail, rows_max, wait_ms, &batch, err);
    if (status == STATUS_OK) {
        ASSERT(batch.batch.count <= rows_max && batch.batch.next != NULL);
        *out_batch = batch;
    }
    return status;
}

void log_tail_free(struct log_tail *tail)
{
    if (tail != NULL) {
        tail->operations->free(tail);
    }
}
