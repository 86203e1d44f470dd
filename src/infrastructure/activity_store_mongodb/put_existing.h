#pragma once
/*
 * Rows whose ids are there already: looks the documents up and gives the rows' verdicts. A document
 * that came from the very position of a row was stored by an attempt whose verdicts never arrived:
 * the row is stored. The worker's thread.
 */
#include "infrastructure/activity_store_mongodb/put_rows.h"
#include "infrastructure/activity_store_mongodb/store_progress.h"

/* Judges the row and all rows of its id that wait behind it against what is stored. */
void put_existing_judge(const struct log_progress *progress, struct put_rows *rows, size_t row,
                        const struct activity *stored);

/* Looks up all rows that were sent and exist. Those whose documents went meanwhile wait again. */
MUST_USE enum status put_existing_look_up(struct mongodb_store *store,
                                          const struct log_progress *progress,
                                          struct put_rows *rows, struct error *err);
