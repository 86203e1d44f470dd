// What every file of the load client needs: how it ends, how it allocates, what time it is.
//
// The load client is the oracle that judges the service, so it shares no line of code with it. It
// is a command line tool: what it cannot go on from (no memory, a ledger that cannot be written)
// ends the program at once with words on stderr. Any thread may call these.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

// 0 what was asked was done and holds; 1 it was not; 2 wrong usage.
enum tool_exit { TOOL_FINE = 0, TOOL_WRONG = 1, TOOL_USAGE = 2 };

// Prints "usertrail-load: <message>" to stderr and ends the program with the code.
_Noreturn void tool_fail(enum tool_exit code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Zeroed memory; never NULL. Freed with free().
void *tool_allocate(size_t count, size_t bytes_each) MUST_USE;

// Like realloc, never NULL.
void *tool_reallocate(void *memory, size_t bytes) MUST_USE;

// The monotonic clock in nanoseconds.
int64_t tool_now_ns(void);

// Milliseconds since 1970.
int64_t tool_wall_ms(void);
