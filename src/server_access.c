/*
 * The server that a command asks: named by its URL, or by the lock of the folder that it holds.
 */
#include "server_access.h"

#include "infrastructure/disk/disk_lock.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/small_file.h"
#include "infrastructure/http_client/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MS_MAX = 120 * 1000, SILENCE_S_MAX = 60 };

struct server_link {
    struct http_client *client;
    char url[SERVER_URL_BYTES];
};

enum status server_find_url(const char *directory, char out_url[SERVER_URL_BYTES],
                            struct error *err)
{
    char log[DISK_PATH_BYTES_MAX];
    char address[DISK_LOCK_ADDRESS_BYTES_MAX + 1];
    if (disk_path(directory, "log", log, NULL) != STATUS_OK ||
        disk_lock_read_address(disk_posix(), log, address, NULL) != STATUS_OK) {
        return error_set(err, STATUS_NOT_FOUND, 0,
                         "no server runs on the folder %.60s, as far as its lock tells; name one "
                         "by --url",
                         directory);
    }
    bool tls = strncmp(address, "https://", strlen("https://")) == 0;
    snprintf(out_url, SERVER_URL_BYTES, "%s%s", tls ? "" : "http://", address);
    return STATUS_OK;
}

/* --- keys --- */

/* Without white space around it, and nothing that would end a field. */
static size_t copy_key(struct str text, char out_key[SERVER_KEY_BYTES_MAX + 1])
{
    size_t len = 0;
    while (len < text.len && len < SERVER_KEY_BYTES_MAX && text.data[len] > ' ' &&
           text.data[len] <= '~') {
        out_key[len] = text.data[len];
        len++;
    }
    out_key[len] = '\0';
    return len;
}

static enum status read_key_file(const char *path, char out_key[SERVER_KEY_BYTES_MAX + 1],
                                 struct error *err)
{
    struct buffer text;
    buffer_init(&text, SERVER_KEY_BYTES_MAX);
    enum status status = small_file_read(path, SMALL_FILE_SECRET, &text, err);
    if (status == STATUS_OK && copy_key(buffer_str(&text), out_key) == 0) {
        status =
            error_set(err, STATUS_INVALID, 0, "the file %.60s does not begin with a key", path);
    }
    buffer_deinit(&text);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_INVALID;
}

enum status server_read_key(const char *path, char out_key[SERVER_KEY_BYTES_MAX + 1],
                            struct error *err)
{
    const char *variable = getenv("USERTRAIL_KEY");
    out_key[0] = '\0';
    if (path != NULL) {
        return read_key_file(path, out_key, err);
    }
    if (variable == NULL || variable[0] == '\0') {
        return STATUS_OK;
    }
    size_t len = copy_key(str_from(variable), out_key);
    return len > 0 && variable[len] == '\0'
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "the variable USERTRAIL_KEY holds no key");
}

/* --- what commands see --- */

static enum status open_link(const struct server_address *address, struct server_link **out_link,
                             struct error *err)
{
    char key[SERVER_KEY_BYTES_MAX + 1];
    bool own = address->url == NULL && address->directory != NULL;
    struct server_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to ask a server");
    }
    enum status status = own ? server_find_url(address->directory, link->url, err) : STATUS_OK;
    if (!own) {
        const char *url = address->url == NULL ? SERVER_URL_USUAL : address->url;
        snprintf(link->url, sizeof link->url, "%s", url);
    }
    status = status == STATUS_OK ? server_read_key(address->key_file, key, err) : status;
    if (status == STATUS_OK) {
        status = http_client_new(&(struct http_client_config){.url = link->url,
                                                              .key = key[0] == '\0' ? NULL : key,
                                                              .ca_file = address->ca_file,
                                                              .unverified = own},
                                 &link->client, err);
    }
    if (status != STATUS_OK) {
        free(link);
        return status;
    }
    *out_link = link;
    return STATUS_OK;
}

static void close_link(struct server_link *link)
{
    if (link != NULL) {
        http_client_free(link->client);
        free(link);
    }
}

static enum status ask(struct server_link *link, const struct server_request *request,
                       const struct server_hearer *hearer, long *out_code, struct error *err)
{
    const struct http_client_request asked = {
        .method = request->method,
        .target = request->target,
        .last_event_id = request->last_event_id,
        .timeout_ms = request->is_stream ? 0 : ANSWER_MS_MAX,
        .silence_s = request->is_stream ? SILENCE_S_MAX : 0,
    };
    const struct http_client_hearer heard = {hearer->take, hearer->wants_end, hearer->context};
    return http_client_ask(link->client, &asked, &heard, out_code, err);
}

static const char *url_of(const struct server_link *link)
{
    return link->url;
}

static void pause_for(unsigned ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

const struct server_access *server_access(void)
{
    static const struct server_access access = {
        .open = open_link, .close = close_link, .ask = ask, .url = url_of, .pause = pause_for};
    return &access;
}
