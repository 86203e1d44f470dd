#pragma once
/*
 * A receipt tells a client where its activities stand in the log, so that it can ask for its own
 * write later. Its text is base64url of:
 *
 *     version 1 | log id 16 | for each partition touched: partition 4, offset 8 | CRC-32C 4
 *
 * in bytes, little-endian; partitions ascend. It is no secret and no proof. Any thread.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"
#include "domain/position.h"

/* A batch may touch every partition that a log has. */
enum { RECEIPT_POSITIONS_MAX = POSITION_PARTITIONS_MAX };

/* `count` positions, at most RECEIPT_POSITIONS_MAX, with ascending partitions. */
void receipt_encode(struct uuid log_id, const struct position *positions, size_t count,
                    struct buffer *out_text);

/* Raises `out_positions` to what the receipt names. INVALID: no receipt of this service. NO_MEMORY.
 */
MUST_USE enum status receipt_decode(struct str text, struct uuid *out_log_id,
                                    struct position_set *out_positions, struct error *err);
