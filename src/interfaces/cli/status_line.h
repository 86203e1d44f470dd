#pragma once
/*
 * One line on stderr that is drawn over and over while a command works, on a terminal only. One
 * thread.
 */
#include <stdbool.h>

/* Whether somebody looks on. */
bool status_line_wanted(void);

void status_line_show(const char *text);

/* Before anything else is printed. */
void status_line_clear(void);
