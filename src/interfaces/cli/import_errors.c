#include "interfaces/cli/import_errors.h"

#include "base/json_text.h"
#include "base/utf8.h"
#include "interfaces/cli/durable_name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 256 * 1024 };

#define LINE_BEGIN  "{\"line\":"
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static enum status failed(const struct import_errors *errors, struct error *err)
{
    return error_set_system(err, errno, "cannot write the refused lines to %.60s", errors->path);
}

/* Whether the file begins as one of refused lines does, and a line of it ends with byte `end`; 0:
 * it does not matter where. */
static bool is_ours(int descriptor, off_t end)
{
    char begin[sizeof LINE_BEGIN - 1];
    char last = '\n';
    return pread(descriptor, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
           memcmp(begin, LINE_BEGIN, sizeof begin) == 0 &&
           (end == 0 || pread(descriptor, &last, 1, end - 1) == 1) && last == '\n';
}

static enum status check_content(const char *path, off_t end, struct error *err)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return error_set_system(err, errno, "cannot look into %.60s", path);
    }
    bool ours = is_ours(descriptor, end);
    close(descriptor);
    return ours ? STATUS_OK
                : error_set(err, STATUS_INVALID, 0,
                            "%.50s is not the file of refused lines of this import and would be "
                            "written over; name another by --errors",
                            path);
}

enum status import_errors_check(const char *path, bool must_be_new, struct error *err)
{
    struct stat found;
    if (stat(path, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0) {
        return STATUS_OK;
    }
    if (must_be_new) {
        return error_set(err, STATUS_INVALID, 0,
                         "%.50s is there already and would be written over; remove it or name "
                         "another file by --errors",
                         path);
    }
    return check_content(path, 0, err);
}

/* Cuts a file to what is kept of it, if it has more, and goes to its end. */
static bool place(struct import_errors *errors, int descriptor)
{
    struct stat found;
    if (fstat(descriptor, &found) != 0) {
        return false;
    }
    errors->regular = S_ISREG(found.st_mode);
    off_t kept = (off_t)errors->bytes;
    return !errors->regular || ((found.st_size <= kept || ftruncate(descriptor, kept) == 0) &&
                                lseek(descriptor, 0, SEEK_END) >= 0);
}

/* Opens the file for more. Other things than files, such as /dev/stderr, are taken as they are. */
static enum status open_stream(struct import_errors *errors, struct error *err)
{
    int descriptor = open(errors->path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT) {
        descriptor = open(errors->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        errors->made = descriptor >= 0;
    }
    if (descriptor < 0) {
        return failed(errors, err);
    }
    errors->stream = place(errors, descriptor) ? fdopen(descriptor, "w") : NULL;
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
    if (bytes == 0 || stat(path, &found) != 0 || !S_ISREG(found.st_mode) || found.st_size == 0) {
        return STATUS_OK;
    }
    bool longer = (uint64_t)found.st_size > bytes;
    bool whole = longer || (uint64_t)found.st_size == bytes;
    errors->bytes = whole ? bytes : (uint64_t)found.st_size;
    enum status status = check_content(path, whole ? (off_t)bytes : 0, err);
    return status == STATUS_OK && longer ? open_stream(errors, err) : status;
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
    enum status status = errors->stream == NULL ? open_stream(errors, err) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    struct buffer *line = &errors->line;
    buffer_clear(line);
    buffer_append_literal(line, LINE_BEGIN);
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

static enum status sync_file(struct import_errors *errors, struct error *err)
{
    if (fdatasync(fileno(errors->stream)) != 0) {
        return failed(errors, err);
    }
    enum status status = errors->made ? durable_name_sync(errors->path, err) : STATUS_OK;
    errors->made = errors->made && status != STATUS_OK;
    return status;
}

enum status import_errors_sync(struct import_errors *errors, uint64_t *out_bytes, struct error *err)
{
    if (errors->stream == NULL) {
        *out_bytes = errors->bytes;
        return STATUS_OK;
    }
    if (fflush(errors->stream) != 0) {
        return failed(errors, err);
    }
    enum status status = errors->regular ? sync_file(errors, err) : STATUS_OK;
    if (status == STATUS_OK) {
        off_t bytes = errors->regular ? ftello(errors->stream) : 0;
        *out_bytes = bytes > 0 ? (uint64_t)bytes : 0;
    }
    return status;
}

void import_errors_close(struct import_errors *errors)
{
    if (errors->stream != NULL) {
        fclose(TAKE(errors->stream));
    }
    buffer_deinit(&errors->line);
}
