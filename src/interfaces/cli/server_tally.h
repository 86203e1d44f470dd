#pragma once
/*
 * Counts in groups, asked from a server. One thread.
 */
#include "domain/activity_tally.h"
#include "interfaces/cli/lookup.h"

/* What the question of the lookup asks for, in the arena. As server_ask. */
MUST_USE enum status server_tally(const struct lookup *lookup, struct arena *arena,
                                  struct activity_tally *out_tally, struct error *err);
