#pragma once
/*
 * Whether `usertrail verify` would find anything wrong with a local store: for tests in which the
 * store lives through crashes. One thread at a time.
 */
#include "infrastructure/disk/disk.h"

/* The first problem, or why the store cannot be looked at; "" when all is well. Static. */
const char *verified_store_problem(struct disk *disk, const char *directory);
