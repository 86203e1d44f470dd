#pragma once
/*
 * The MongoDB driver keeps counters in shared memory for a tool of its own, under a name with the
 * number of the process, as soon as its library is loaded: also where nothing is asked of MongoDB.
 * A process that is killed leaves the file behind, and a later one with the same number finds its
 * name taken and writes a line about that to stderr.
 */

/* Takes the name away; the driver goes on counting. The earlier in the program the better. */
void shared_counters_unlink(void);
