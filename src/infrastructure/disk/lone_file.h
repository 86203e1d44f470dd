#pragma once
/*
 * A file alone in a folder of its own on the machine's disk, for tests of what keeps one file. It
 * is not there before the test makes it. One thread.
 */

/* Where the file is to be, from make to remove. */
extern char lone_file_path[64];

/* Makes the folder; for setups of cmocka. -1: it cannot. */
int lone_file_make(void **state);

/* Removes the file, if it is there, and the folder; for teardowns. -1: something else is in it. */
int lone_file_remove(void **state);
