#pragma once
/*
 * Follows the live stream of a server and comes back to it where it broke off, until nobody reads
 * what is printed any more. One thread.
 */
#include "interfaces/cli/lookup.h"

/* Prints the newest activities first, as many as the question says. OK: nobody reads any more.
 * INVALID: the server cannot be meant. Otherwise what keeps it from going on: the server refuses,
 * or was not there at the start. */
MUST_USE enum status tail_follow(const struct lookup_access *access,
                                 struct folder_question *question, struct error *err);
