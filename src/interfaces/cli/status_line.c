#include "interfaces/cli/status_line.h"

#include <stdio.h>
#include <unistd.h>

#define ERASE_TO_END "\x1b[K"

bool status_line_wanted(void)
{
    return isatty(STDERR_FILENO) != 0;
}

void status_line_show(const char *text)
{
    fprintf(stderr, "\r%s" ERASE_TO_END, text);
    (void)fflush(stderr);
}

void status_line_clear(void)
{
    fprintf(stderr, "\r" ERASE_TO_END);
    (void)fflush(stderr);
}
