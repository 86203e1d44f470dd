#pragma once
/*
 * For tests in which things go wrong on purpose: a logger whose lines nobody reads. One thread
 * makes the first call, then any.
 */
#include "base/logger.h"

/* Static. */
struct logger *quiet_logger(void);
