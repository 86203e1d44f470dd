#pragma once
/*
 * How commands that take long are told to end: SIGINT, SIGTERM or SIGHUP, once to end cleanly,
 * twice to end now. Called by main's thread.
 */

/* From now on they are counted, and end whatever this thread waits for. */
void stop_signals_catch(void);

/* How many came since then, at most 2. Any thread. */
unsigned stop_signals_count(void);

/* Threads that are made in between never hear of them, so that this one does. */
void stop_signals_block(void);
void stop_signals_unblock(void);
