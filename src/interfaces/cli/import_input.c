#include "interfaces/cli/import_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 100, BEGINNING_BYTES = 256 };

static size_t skip_space(const char *text, size_t len, size_t at)
{
    while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
        at++;
    }
    return at;
}

/* Of an array with an activity in each line, the last one has no comma behind it: it would be
 * imported, and all others refused. */
static bool holds_array(const struct import_input *input)
{
    char text[BEGINNING_BYTES];
    ssize_t bytes = input->regular ? pread(input->descriptor, text, sizeof text, 0) : 0;
    size_t len = bytes > 0 ? (size_t)bytes : 0;
    size_t at = skip_space(text, len, 0);
    if (at == len || text[at] != '[') {
        return false;
    }
    at = skip_space(text, len, at + 1);
    return at < len && text[at] == '{';
}

enum status import_input_open(struct import_input *input, const char *path, struct error *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat found;
    *input = (struct import_input){.descriptor = STDIN_FILENO, .owned = !standard};
    if (!standard) {
        input->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (input->descriptor < 0 || fstat(input->descriptor, &found) != 0) {
        int cause = errno;
        import_input_close(input);
        return error_set(err, cause == ENOENT ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE, cause,
                         "cannot open %.80s: %s", path, strerror(cause));
    }
    if (S_ISDIR(found.st_mode)) {
        import_input_close(input);
        return error_set(err, STATUS_INVALID, 0, "%.80s is a folder; name a file", path);
    }
    input->regular = !standard && S_ISREG(found.st_mode);
    input->size = S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0;
    if (holds_array(input)) {
        import_input_close(input);
        return error_set(err, STATUS_INVALID, 0,
                         "%.60s is an array, and import takes an activity in each line; jq -c "
                         "'.[]' %.60s makes such lines",
                         path, path);
    }
    return STATUS_OK;
}

void import_input_close(struct import_input *input)
{
    if (input->owned && input->descriptor >= 0) {
        close(input->descriptor);
    }
    input->descriptor = -1;
}

static enum status read_some(void *context, char *into, size_t len, size_t *out_len,
                             struct error *err)
{
    struct import_input *input = context;
    struct pollfd ready = {.fd = input->descriptor, .events = POLLIN};
    int count = input->regular ? 1 : poll(&ready, 1, WAIT_MS);
    ssize_t bytes = count > 0 ? read(input->descriptor, into, len) : -1;
    if (bytes >= 0) {
        *out_len = (size_t)bytes;
        return STATUS_OK;
    }
    if (count == 0 || errno == EINTR || errno == EAGAIN) {
        return STATUS_BUSY;
    }
    return error_set_system(err, errno, "cannot read the input");
}

struct import_source import_input_source(struct import_input *input)
{
    return (struct import_source){.read = read_some, .context = input};
}

enum status import_input_seek(struct import_input *input, uint64_t offset, struct error *err)
{
    return lseek(input->descriptor, (off_t)offset, SEEK_SET) >= 0
               ? STATUS_OK
               : error_set_system(err, errno, "cannot go to the place where the import goes on");
}

/* All of [offset, offset + len), which the file must have. */
static enum status read_at(const struct import_input *input, uint64_t offset, char *into,
                           size_t len, struct error *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t bytes = pread(input->descriptor, into + done, len - done, (off_t)(offset + done));
        if (bytes == 0) {
            return error_set(err, STATUS_INVALID, 0, "the file is shorter than what was imported");
        }
        if (bytes < 0 && errno != EINTR) {
            return error_set_system(err, errno, "cannot read the input");
        }
        done += bytes > 0 ? (size_t)bytes : 0;
    }
    return STATUS_OK;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to look at the input");
}

enum status import_input_hash(const struct import_input *input, uint64_t offset,
                              const struct content_hash *hash, uint8_t out_hash[IMPORT_HASH_BYTES],
                              struct error *err)
{
    size_t len = offset < IMPORT_SEEN_BYTES ? (size_t)offset : IMPORT_SEEN_BYTES;
    char *bytes = malloc(2 * IMPORT_SEEN_BYTES);
    if (bytes == NULL) {
        return no_memory(err);
    }
    enum status status = read_at(input, 0, bytes, len, err);
    if (status == STATUS_OK) {
        status = read_at(input, offset - len, bytes + len, len, err);
    }
    if (status == STATUS_OK) {
        const struct str seen = {bytes, 2 * len};
        status =
            hash->hash(hash->context, &seen, 1, out_hash) == STATUS_OK ? STATUS_OK : no_memory(err);
    }
    free(bytes);
    return status;
}
