// The check: reads everything back over HTTP and judges it by the ledger.
//
// Memory is bounded by the ledger, not by the store: 24 bytes for each activity in the ledger and
// one page of answers, so a million activities take about 25 MB. One thread.
#pragma once

#include "options.h"

// Returns the program's exit code.
int check_run(const struct check_options *options);
