#pragma once
/*
 * The rows of one part that match a filter, one by one in the order asked for, without reading more
 * of the part than that takes: the lists of users from the end that is asked for, pages by their
 * times and the actions they can hold. One thread at a time, for the cursor and its view.
 */
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_store_local/part_question.h"

struct part_cursor;

/* NO_MEMORY, CORRUPT, TIMED_OUT, and what the disk says. */
MUST_USE enum status part_cursor_new(struct part_view *view, const struct part_question *question,
                                     struct part_cursor **out_cursor, struct error *err);
void part_cursor_free(struct part_cursor *cursor);
CLEANUP_FUNCTION(struct part_cursor *, part_cursor_free)

/* Goes to the next row, which is the first at the first call; NOT_FOUND (and `err` as it was) when
 * there is none. CORRUPT, TIMED_OUT, and what the disk says; then the cursor can only be freed. */
MUST_USE enum status part_cursor_next(struct part_cursor *cursor, struct error *err);

/* The same without a key, for who needs the row's page only: it stays until the view is asked for
 * another, and the row stands at `out_at` in it. */
MUST_USE enum status part_cursor_next_in_page(struct part_cursor *cursor,
                                              const struct page **out_page, uint32_t *out_at,
                                              struct error *err);

/* Likewise for who needs the row's metadata only: it stays until the view is asked for another. */
MUST_USE enum status part_cursor_next_with_metadata(struct part_cursor *cursor,
                                                    struct str *out_metadata, struct error *err);

/* Where it stands; the id lives until the next call. Not before the first next, nor at the end. */
uint32_t part_cursor_row(const struct part_cursor *cursor);
struct activity_key part_cursor_key(const struct part_cursor *cursor);

/* Passes over up to `count` rows from before the first next on; says how many there were. Without
 * looking at them where what is left is a plain stretch of rows or one user's list. */
MUST_USE enum status part_cursor_skip(struct part_cursor *cursor, uint64_t count,
                                      uint64_t *out_skipped, struct error *err);

/* How many rows match; order and after are ignored. Counts what directory and lists know already
 * without reading rows. */
MUST_USE enum status part_cursor_count(struct part_view *view, const struct part_question *question,
                                       uint64_t *out_count, struct error *err);
