#pragma once
/*
 * The part of the worker that keeps what a store will never take: such rows become entries of the
 * refused list, with the activity as JSON for a message. The worker's thread.
 */
#include "application/keep_refusals.h"
#include "domain/activity_store.h"

/* Lists the rows of the batch whose verdict is VERDICT_REFUSED; `reason` is what the store said.
 * As keep_refusals_add: when it fails, some may be listed, and all of them may be listed again. */
MUST_USE enum status store_refusals_list(const struct keep_refusals *keeper,
                                         const struct activity_batch *batch,
                                         const enum verdict *verdicts, const char *reason,
                                         struct error *err);
