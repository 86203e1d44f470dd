#include "infrastructure/mongodb_client/shared_counters.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAME_BYTES = 32 };

void shared_counters_unlink(void)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "/mongoc-%u", (unsigned)getpid());
    /* Where there is none, as with MONGOC_DISABLE_SHM, nothing is to be done. */
    (void)shm_unlink(name);
}
