#include "interfaces/cli/export_file.h"

#include "interfaces/cli/durable_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status failed(const char *what, const char *path, struct error *err)
{
    return error_set_system(err, errno, "cannot %s %.80s", what, path);
}

/* A device or a folder of this name would be replaced, which nobody means. */
static enum status check_name(const char *path, struct error *err)
{
    struct stat found;
    if (lstat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        return error_set(err, STATUS_INVALID, 0,
                         "%.80s is no ordinary file; leave --output out and redirect standard "
                         "output",
                         path);
    }
    return STATUS_OK;
}

enum status export_file_open(struct export_file *file, const char *path, struct error *err)
{
    *file = (struct export_file){.stream = stdout, .path = path};
    if (path == NULL) {
        return STATUS_OK;
    }
    enum status status = check_name(path, err);
    if (status != STATUS_OK) {
        return status;
    }
    char *part_path = NULL;
    if (asprintf(&part_path, "%s.part", path) < 0) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to write a file");
    }
    file->part_path = part_path;
    int descriptor = open(part_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    file->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file->stream != NULL) {
        return STATUS_OK;
    }
    status = failed("make", part_path, err);
    if (descriptor >= 0) {
        close(descriptor);
    } else {
        free(TAKE(file->part_path)); /* it is not ours to remove */
    }
    return status;
}

enum status export_file_finish(struct export_file *file, struct error *err)
{
    if (fflush(file->stream) != 0) {
        return failed("write", file->path == NULL ? "standard output" : file->part_path, err);
    }
    if (file->path == NULL) {
        return STATUS_OK;
    }
    if (fsync(fileno(file->stream)) != 0) {
        return failed("sync", file->part_path, err);
    }
    int closed = fclose(TAKE(file->stream));
    if (closed != 0) {
        return failed("write", file->part_path, err);
    }
    if (rename(file->part_path, file->path) != 0) {
        return failed("give its name to", file->part_path, err);
    }
    free(TAKE(file->part_path));
    return durable_name_sync(file->path, err);
}

void export_file_abandon(struct export_file *file)
{
    if (file->part_path == NULL) {
        return;
    }
    if (file->stream != NULL) {
        fclose(TAKE(file->stream));
    }
    unlink(file->part_path);
    free(TAKE(file->part_path));
}
