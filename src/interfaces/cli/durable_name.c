#include "interfaces/cli/durable_name.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum status durable_name_sync(const char *path, struct error *err)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to write a file");
    }
    const char *directory = dirname(copy);
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status =
        descriptor >= 0 && fsync(descriptor) == 0
            ? STATUS_OK
            : error_set_system(err, errno, "cannot make durable what is in %.80s", directory);
    if (descriptor >= 0) {
        close(descriptor);
    }
    free(copy);
    return status;
}
