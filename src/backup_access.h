#pragma once
/*
 * What backup and restore work on: part of the composition root. Main's thread.
 */
#include "interfaces/cli/backup_command.h"

/* Static, one for the process. */
const struct backup_access *backup_access(void);
