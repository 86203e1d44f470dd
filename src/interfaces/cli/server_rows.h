#pragma once
/*
 * Activities of a server, page by page in bounded memory, as folder_rows.h has those of a folder.
 * One thread.
 */
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/server_link.h"

/* All that the question asks for, in its order, up to its limit. As server_ask, or what the visitor
 * returned. */
MUST_USE enum status server_walk_rows(const struct server_access *access, struct server_link *link,
                                      const struct folder_question *question,
                                      const struct folder_visitor *visitor, struct error *err);

/* How many there are. */
MUST_USE enum status server_count_rows(const struct server_access *access, struct server_link *link,
                                       const struct folder_question *question, uint64_t *out_count,
                                       struct error *err);
