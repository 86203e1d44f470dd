#pragma once
/*
 * What the command forward works on. Main's thread.
 */
#include "interfaces/cli/forward_command.h"

const struct forward_access *forward_access(void);
