#pragma once
/*
 * What the command keys works on. Main's thread.
 */
#include "interfaces/cli/keys_command.h"

const struct keys_access *keys_access(void);
