#pragma once
/*
 * Actions that are not recorded, as somebody who runs the service says in a text: one action a
 * line, or the beginning of actions with "*" behind it; empty lines and those that begin with "#"
 * say nothing, and white space at both ends of a line does not count. Never changes once it is
 * made. Any thread.
 */
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { DENIED_ACTIONS_MAX = 100000 };

struct denied_actions;

/* INVALID names the line that no action can be, with the maximum of an action's bytes, or that is
 * one too many. NO_MEMORY. */
MUST_USE enum status denied_actions_parse(struct str text, struct denied_actions **out_denied,
                                          struct error *err);

/* Takes NULL. */
void denied_actions_free(struct denied_actions *denied);

/* How many lines say something. */
size_t denied_actions_count(const struct denied_actions *denied);

/* Costs two binary searches. */
bool denied_actions_match(const struct denied_actions *denied, struct str action);
