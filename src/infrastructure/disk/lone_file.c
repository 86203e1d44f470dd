#include "infrastructure/disk/lone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char lone_file_path[64];

static char folder[32];

int lone_file_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/usertrail-file-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(lone_file_path, sizeof lone_file_path, "%s/file", folder);
    return 0;
}

int lone_file_remove(void **state)
{
    (void)state;
    unlink(lone_file_path);
    return rmdir(folder);
}
