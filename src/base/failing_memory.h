#pragma once
/*
 * For tests: lets one allocation of the program fail. Who links usertrail_failing_memory has its
 * malloc, calloc and realloc wrapped (the linker's --wrap); libraries that are shared keep their
 * own. Arming and disarming: one thread; the one that fails may be any thread's.
 */
#include <stdbool.h>

/* From now on `allocations` work, the next one fails, and all behind it work again. */
void failing_memory_arm(unsigned long allocations);

/* From now on all work. Says whether one has failed. */
bool failing_memory_disarm(void);

/* While spared, the allocations of this thread neither fail nor count: it plays the client of what
 * is tested, for example. */
void failing_memory_spare_this_thread(bool spares);
