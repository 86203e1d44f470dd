#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void tool_fail(enum tool_exit code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("usertrail-load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit((int)code);
}

void *tool_allocate(size_t count, size_t bytes_each)
{
    void *memory = calloc(count > 0 ? count : 1, bytes_each);
    if (memory == NULL)
        tool_fail(TOOL_WRONG, "out of memory");
    return memory;
}

void *tool_reallocate(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes > 0 ? bytes : 1);
    if (grown == NULL)
        tool_fail(TOOL_WRONG, "out of memory");
    return grown;
}

static int64_t read_clock(clockid_t clock, int64_t units_per_second)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * units_per_second +
           (int64_t)now.tv_nsec / (INT64_C(1000000000) / units_per_second);
}

int64_t tool_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC, INT64_C(1000000000));
}

int64_t tool_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME, 1000);
}
