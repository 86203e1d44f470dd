#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/health_command.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/server_address.h"

#include <stdio.h>

enum { URL_BYTES = 1024, TEXT_BYTES_MAX = 512, TIMEOUT_S_DEFAULT = 3, TIMEOUT_S_MAX = 3600 };

const char command_health_help[] =
    "Asks /readyz: should requests be sent there? Prints one line, ends with 0 when\n"
    "it answers 200, otherwise with 1.\n\n"
    "  --url URL       of the server; " SERVER_URL_USUAL " by default\n"
    "  --live          ask /livez instead: does the process turn at all?\n"
    "  --cacert FILE   who vouches for a server of https, in PEM; on this machine's\n"
    "                  own addresses nobody needs to\n"
    "  --timeout N     so many seconds at most, in all; 3 by default\n\n"
    "Examples\n"
    "  usertrail health\n"
    "  usertrail health --live --url http://127.0.0.1:8080";

static enum status format_url(char out_url[URL_BYTES], const char *server, bool live,
                              struct error *err)
{
    struct str base = str_from(server);
    if (base.len > 1 && base.data[base.len - 1] == '/' && base.data[base.len - 2] != '/') {
        base.len--; /* not of http:// */
    }
    const char *scheme = strstr(server, "://") == NULL ? "http://" : "";
    int len = snprintf(out_url, URL_BYTES, "%s%.*s%s", scheme, STR_FORMAT(base),
                       live ? "/livez" : "/readyz");
    return len < URL_BYTES ? STATUS_OK
                           : error_set(err, STATUS_INVALID, 0, "--url is longer than any server's");
}

/* The question's URL lives in `url_text`. */
static enum status read_arguments(int argument_count, char **arguments,
                                  struct health_question *question, char url_text[URL_BYTES],
                                  struct error *err)
{
    bool live = false;
    const char *url = NULL;
    const char *timeout_s = NULL;
    const struct option options[] = {{.name = "url", .value = &url},
                                     {.name = "cacert", .value = &question->ca_file},
                                     {.name = "timeout", .value = &timeout_s},
                                     {.name = "live", .given = &live}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    enum status status =
        option_walk_all(&walk, &(struct option_taker){.take = option_take_none}, err);
    status = status == STATUS_OK
                 ? format_url(url_text, url == NULL ? SERVER_URL_USUAL : url, live, err)
                 : status;
    question->url = url_text;
    question->timeout_ms = TIMEOUT_S_DEFAULT * MILLISECONDS_PER_SECOND;
    return status == STATUS_OK ? option_read_seconds("timeout", timeout_s, TIMEOUT_S_MAX,
                                                     &question->timeout_ms, err)
                               : status;
}

/* The text is whatever somebody answers: nothing in it may move a terminal's cursor. */
static struct str keep_one_line(struct buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        text->data[i] = byte < ' ' || byte > '~' ? ' ' : text->data[i];
    }
    return str_trim(buffer_str(text));
}

static int tell(const struct health_question *question, long code, struct buffer *text)
{
    struct str line = keep_one_line(text);
    FILE *stream = code == 200 ? stdout : stderr;
    fprintf(stream, "%s%s answers %ld%s%.*s\n", code == 200 ? "" : "usertrail: ", question->url,
            code, line.len == 0 ? "" : ": ", STR_FORMAT(line));
    return code == 200 ? EXIT_FINE : EXIT_FAILED;
}

int command_health(health_ask *ask, int argument_count, char **arguments)
{
    struct health_question question = {0};
    char url[URL_BYTES];
    struct buffer text;
    struct error err;
    long code = 0;
    enum status status = read_arguments(argument_count, arguments, &question, url, &err);
    buffer_init(&text, TEXT_BYTES_MAX);
    status = status == STATUS_OK ? ask(&question, &text, &code, &err) : status;
    int exit_code = EXIT_FAILED;
    if (status == STATUS_OK) {
        exit_code = tell(&question, code, &text);
    } else if (status == STATUS_INVALID) {
        exit_code = folder_refuse_arguments("health", &err);
    } else {
        cli_tell("%s", err.message);
    }
    buffer_deinit(&text);
    return exit_code;
}
