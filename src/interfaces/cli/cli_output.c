#include "interfaces/cli/cli_output.h"

#include "base/visible_text.h"
#include "interfaces/cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWN_BYTES_MAX = 1 << 30, KEPT_BYTES = 1 << 20, TOLD_BYTES_MAX = 16 * 1024 };

void cli_output_init(struct cli_output *output, FILE *stream, const char *name)
{
    int descriptor = fileno(stream);
    *output = (struct cli_output){.stream = stream,
                                  .name = name,
                                  .is_terminal = isatty(descriptor) != 0,
                                  .colours = terminal_has_colours(descriptor),
                                  .columns = terminal_columns(descriptor)};
    buffer_init(&output->shown, SHOWN_BYTES_MAX);
    signal(SIGPIPE, SIG_DFL);
}

void cli_output_deinit(struct cli_output *output)
{
    buffer_deinit(&output->shown);
}

enum status cli_output_write_shown(struct cli_output *output, struct str lines, struct error *err)
{
    return lines.len == 0 || fwrite(lines.data, 1, lines.len, output->stream) == lines.len
               ? STATUS_OK
               : error_set_system(err, errno, "cannot write to %.80s", output->name);
}

enum status cli_output_write(struct cli_output *output, struct str lines, struct error *err)
{
    struct buffer *shown = &output->shown;
    if (!output->is_terminal) {
        return cli_output_write_shown(output, lines, err);
    }
    if (shown->capacity > KEPT_BYTES) {
        buffer_deinit(shown);
        buffer_init(shown, SHOWN_BYTES_MAX);
    }
    buffer_clear(shown);
    while (lines.len > 0) {
        struct str line = str_split(&lines, '\n');
        bool ends = lines.data != NULL;
        line.len -= ends && line.len > 0 && line.data[line.len - 1] == '\r';
        visible_text_append(shown, line);
        buffer_append(shown, "\n", ends);
    }
    return shown->failed == STATUS_OK
               ? cli_output_write_shown(output, buffer_str(shown), err)
               : error_set(err, shown->failed, 0, "there is no memory for a line");
}

enum status cli_output_flush(struct cli_output *output, struct error *err)
{
    return fflush(output->stream) == 0
               ? STATUS_OK
               : error_set_system(err, errno, "cannot write to %.80s", output->name);
}

bool cli_output_is_abandoned(const struct cli_output *output)
{
    struct pollfd look = {.fd = fileno(output->stream)};
    return poll(&look, 1, 0) == 1 && (look.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

void cli_tell(const char *format, ...)
{
    char *words = NULL;
    struct buffer shown;
    va_list arguments;
    buffer_init(&shown, TOLD_BYTES_MAX);
    va_start(arguments, format);
    bool made = vasprintf(&words, format, arguments) >= 0;
    va_end(arguments);
    if (made) {
        visible_text_append(&shown, str_from(words));
        fprintf(stderr, "usertrail: %.*s\n", STR_FORMAT(buffer_str(&shown)));
        free(words);
    }
    buffer_deinit(&shown);
}
