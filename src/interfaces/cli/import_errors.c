#include "interfaces/cli/import_errors.h"

#include "base/json_text.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 256 * 1024 };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static enum status failed(const struct import_errors *errors, struct error *err)
{
    return error_set_system(err, errno, "cannot write the refused lines to %.60s", errors->path);
}

/* Opens the file for more. Other things than files, such as /dev/stderr, are taken as they are. */
static enum status open_stream(struct import_errors *errors, uint64_t bytes, struct error *err)
{
    struct stat found;
    int descriptor = open(errors->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        return failed(errors, err);
    }
    errors->regular = fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
    bool placed = !errors->regular ||
                  (ftruncate(descriptor, (off_t)bytes) == 0 && lseek(descriptor, 0, SEEK_END) >= 0);
    errors->stream = placed ? fdopen(descriptor, "w") : NULL;
    if (errors->stream == NULL) {
        enum status status = failed(errors, err);
        close(descriptor);
        return status;
    }
    return STATUS_OK;
}

enum status import_errors_open(struct import_errors *errors, const char *path, uint64_t bytes,
                               struct error *err)
{
    struct stat found;
    *errors = (struct import_errors){.path = path};
    buffer_init(&errors->line, LINE_BYTES_MAX);
    if (bytes > 0) {
        return open_stream(errors, bytes, err);
    }
    bool stale = lstat(path, &found) == 0 && S_ISREG(found.st_mode);
    return !stale || unlink(path) == 0 ? STATUS_OK : failed(errors, err);
}

/* As a JSON string; what is no UTF-8 becomes U+FFFD, so that the line can be read. */
static void append_text(struct buffer *line, struct str text)
{
    char valid[sizeof REPLACEMENT * IMPORT_SHOWN_BYTES_MAX];
    size_t len = 0;
    while (text.len > 0) {
        struct str rest = text;
        uint32_t code_point;
        struct str piece = STR(REPLACEMENT);
        if (utf8_next(&rest, &code_point)) {
            piece = (struct str){text.data, text.len - rest.len};
            text = rest;
        } else {
            text = (struct str){text.data + 1, text.len - 1};
        }
        memcpy(valid + len, piece.data, piece.len);
        len += piece.len;
    }
    json_text_append_string(line, (struct str){valid, len});
}

enum status import_errors_write(struct import_errors *errors, const struct import_fault *fault,
                                struct error *err)
{
    enum status status = errors->stream == NULL ? open_stream(errors, 0, err) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer *line = &errors->line;
    buffer_clear(line);
    buffer_append_literal(line, "{\"line\":");
    buffer_append_u64(line, fault->line);
    buffer_append_literal(line, ",\"error\":");
    buffer_append_str(line, fault->problem);
    buffer_append_literal(line, ",\"text\":");
    append_text(line, fault->text);
    buffer_append_literal(line, "}\n");
    if (line->failed != STATUS_OK) {
        return error_set(err, line->failed, 0, "there is no memory for a refused line");
    }
    return fwrite(line->data, 1, line->len, errors->stream) == line->len ? STATUS_OK
                                                                         : failed(errors, err);
}

enum status import_errors_sync(struct import_errors *errors, uint64_t *out_bytes, struct error *err)
{
    off_t bytes = 0;
    if (errors->stream != NULL) {
        if (fflush(errors->stream) != 0 ||
            (errors->regular && fdatasync(fileno(errors->stream)) != 0)) {
            return failed(errors, err);
        }
        bytes = errors->regular ? ftello(errors->stream) : 0;
    }
    *out_bytes = bytes > 0 ? (uint64_t)bytes : 0;
    return STATUS_OK;
}

void import_errors_close(struct import_errors *errors)
{
    if (errors->stream != NULL) {
        fclose(TAKE(errors->stream));
    }
    buffer_deinit(&errors->line);
}
