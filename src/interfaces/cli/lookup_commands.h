#pragma once
/*
 * The commands that look for activities in a data folder or at a server: query, stats, export and
 * tail. main hands in how both are opened. Each takes the arguments behind its name and returns an
 * exit code. One thread.
 */
#include "interfaces/cli/lookup.h"

int command_query(const struct lookup_access *access, int argument_count, char **arguments);
int command_stats(const struct lookup_access *access, int argument_count, char **arguments);
int command_export(const struct lookup_access *access, int argument_count, char **arguments);
int command_tail(const struct lookup_access *access, int argument_count, char **arguments);

extern const char command_query_help[];
extern const char command_stats_help[];
extern const char command_export_help[];
extern const char command_tail_help[];
