#pragma once
/*
 * What the command replay works on. Main's thread.
 */
#include "interfaces/cli/replay_command.h"

const struct replay_access *replay_access(void);
