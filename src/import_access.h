#pragma once
/*
 * What import works on: part of the composition root. Main's thread.
 */
#include "interfaces/cli/import_command.h"

/* Static, one for the process. */
const struct import_access *import_access(void);
