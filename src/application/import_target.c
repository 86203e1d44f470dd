#include "application/import_target.h"

#include "base/assert.h"

bool import_batch_refuse(struct import_batch *batch, const struct import_fault *fault)
{
    ASSERT(batch->fault_count < IMPORT_ROWS_MAX);
    struct str text = fault->text;
    text.len = text.len < IMPORT_SHOWN_BYTES_MAX ? text.len : IMPORT_SHOWN_BYTES_MAX;
    struct import_fault kept = {.line = fault->line,
                                .text = arena_copy_str(&batch->arena, text),
                                .problem = arena_copy_str(&batch->arena, fault->problem)};
    if (kept.text.data == NULL || kept.problem.data == NULL) {
        return false;
    }
    batch->faults[batch->fault_count++] = kept;
    return true;
}

bool import_batch_refuse_row(struct import_batch *batch, size_t index, struct str problem)
{
    ASSERT(index < batch->row_count);
    const struct import_row *row = &batch->rows[index];
    const struct import_fault fault = {row->line, row->text, problem};
    bool kept = import_batch_refuse(batch, &fault);
    batch->refused_rows += kept;
    return kept;
}

void import_target_describe(struct import_target *target, struct import_target_state *out_state)
{
    target->operations->describe(target, out_state);
    ASSERT(out_state->batches_max >= 1 && out_state->batches_max <= IMPORT_BATCHES_MAX);
    ASSERT(out_state->line_bytes_max >= IMPORT_SHOWN_BYTES_MAX &&
           out_state->line_bytes_max <= IMPORT_LINE_BYTES_MAX);
}

enum status import_target_submit(struct import_target *target, struct import_batch *batch,
                                 struct error *err)
{
    ASSERT(batch->row_count >= 1 && !batch->submitted);
    batch->submitted = true;
    return target->operations->submit(target, batch, err);
}

enum status import_target_collect(struct import_target *target, unsigned wait_ms,
                                  struct import_batch **out_batch, struct error *err)
{
    struct import_batch *batch = NULL;
    enum status status = target->operations->collect(target, wait_ms, &batch, err);
    if (status == STATUS_OK) {
        ASSERT(batch == NULL || batch->submitted);
        *out_batch = batch;
    }
    return status;
}

enum status import_target_finish(struct import_target *target, struct import_outcome *out_outcome,
                                 struct error *err)
{
    return target->operations->finish(target, out_outcome, err);
}

void import_target_free(struct import_target *target)
{
    if (target != NULL) {
        target->operations->free(target);
    }
}
