#pragma once
/*
 * What the yardsticks that stand beside Kafka and MongoDB share: arguments, clocks, and an end in
 * words. They are measured, not relied on, so whatever goes wrong ends the process with 1.
 */
#include <stddef.h>

_Noreturn __attribute__((format(printf, 1, 2))) void yardstick_fail(const char *format, ...);

/* Never NULL. */
void *yardstick_allocate(void *old, size_t count, size_t bytes);

double yardstick_wall_seconds(void);
/* User and system, of all threads so far. */
double yardstick_cpu_seconds(void);

/* Arguments are pairs of --name and value; the last of a name counts. */
const char *yardstick_text(int argc, char **argv, const char *name);
/* `usual` where it is not given; ends with 2 where it is not from 1 to `max`. */
size_t yardstick_number(int argc, char **argv, const char *name, size_t usual, size_t max);
