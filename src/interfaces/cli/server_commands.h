#pragma once
/*
 * The commands that have a server do something: erase, and refused list|resend. Each takes the
 * arguments behind its name and returns an exit code. One thread.
 */
#include "interfaces/cli/server_link.h"

int command_erase(const struct server_access *access, int argument_count, char **arguments);
int command_refused(const struct server_access *access, int argument_count, char **arguments);

extern const char command_erase_help[];
extern const char command_refused_help[];
