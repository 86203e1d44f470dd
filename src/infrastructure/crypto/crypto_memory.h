#pragma once
/*
 * For tests: the memory of OpenSSL, which runs out on command. One thread at a time.
 */
#include <stdbool.h>

/* Before anything else of OpenSSL. False: it was used already. */
bool crypto_memory_take_over(void);

/* From now on `allocations` work and none behind them. */
void crypto_memory_run_out(unsigned long allocations);

/* From now on all work, as at the start. */
void crypto_memory_suffice(void);
