#include "yardstick.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void yardstick_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *yardstick_allocate(void *old, size_t count, size_t bytes)
{
    void *block = reallocarray(old, count, bytes);
    if (block == NULL)
        yardstick_fail("out of memory");
    return block;
}

double yardstick_wall_seconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        yardstick_fail("no clock");
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double yardstick_cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        yardstick_fail("no times");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

const char *yardstick_text(int argc, char **argv, const char *name)
{
    const char *found = NULL;
    for (int index = 1; index + 1 < argc; index += 2)
        if (strcmp(argv[index], name) == 0)
            found = argv[index + 1];
    return found;
}

size_t yardstick_number(int argc, char **argv, const char *name, size_t usual, size_t max)
{
    const char *text = yardstick_text(argc, argv, name);
    if (text == NULL)
        return usual;
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '1' || *text > '9' || *end != '\0' || number > max) {
        fprintf(stderr, "%s takes a whole number from 1 to %zu, not \"%s\"\n", name, max, text);
        exit(2);
    }
    return number;
}
