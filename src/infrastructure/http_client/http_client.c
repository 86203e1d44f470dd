#include "infrastructure/http_client/http_client.h"

#include "base/assert.h"
#include "infrastructure/http_client/http_handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_client {
    CURL *curl;
    struct curl_slist *fields; /* of every request */
    char *url;                 /* without slashes at its end */
};

/* What is asked now. */
struct asking {
    const struct http_client_hearer *hearer;
    CURL *curl;
    enum status status; /* what the hearer returned last */
    struct error *err;
    bool ended; /* by the hearer's wish */
};

static enum status no_memory(const char *url, struct error *err)
{
    return http_handle_translate(CURLE_OUT_OF_MEMORY, url, err);
}

/* libcurl calls these ---------------------------------------------------------------------- */

static size_t take(char *data, size_t size, size_t count, void *context)
{
    struct asking *asking = context;
    long code = 0;
    curl_easy_getinfo(asking->curl, CURLINFO_RESPONSE_CODE, &code);
    asking->status = asking->hearer->take(asking->hearer->context, code,
                                          (struct str){data, size * count}, asking->err);
    return asking->status == STATUS_OK ? size * count : CURL_WRITEFUNC_ERROR;
}

static int look(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                curl_off_t up)
{
    struct asking *asking = context;
    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    asking->ended = asking->hearer->wants_end(asking->hearer->context);
    return asking->ended;
}

/* Asking ------------------------------------------------------------------------------------ */

static CURLcode set_request(struct http_client *client, const struct http_client_request *request)
{
    CURL *curl = client->curl;
    bool patient = request->silence_s > 0;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms)
                            : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, patient ? 1L : 0L)
                            : code;
    code = code == CURLE_OK
               ? curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)request->silence_s)
               : code;
    return code;
}

static CURLcode set_hearer(CURL *curl, struct asking *asking)
{
    bool looks = asking->hearer->wants_end != NULL;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, asking) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_XFERINFODATA, asking) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_NOPROGRESS, looks ? 0L : 1L) : code;
    return code;
}

/* The client's fields and one more. NULL without memory. */
static struct curl_slist *fields_with(const struct http_client *client, const char *last_event_id)
{
    struct curl_slist *fields = NULL;
    bool added = true;
    for (const struct curl_slist *field = client->fields; added && field != NULL;
         field = field->next) {
        added = http_handle_add_field(&fields, field->data);
    }
    char *line = NULL;
    added = added && asprintf(&line, "Last-Event-ID: %s", last_event_id) >= 0 &&
            http_handle_add_field(&fields, line);
    free(line);
    if (!added) {
        curl_slist_free_all(fields);
        fields = NULL;
    }
    return fields;
}

static enum status conclude(const struct asking *asking, CURLcode code, const char *url,
                            long *out_code, struct error *err)
{
    if (asking->status != STATUS_OK) {
        return asking->status;
    }
    enum status status = asking->ended ? STATUS_OK : http_handle_translate(code, url, err);
    if (status == STATUS_OK) {
        *out_code = 0;
        curl_easy_getinfo(asking->curl, CURLINFO_RESPONSE_CODE, out_code);
    }
    return status;
}

static enum status ask_at(struct http_client *client, const char *url,
                          const struct http_client_request *request, struct asking *asking,
                          long *out_code)
{
    struct error *err = asking->err;
    const char *id = request->last_event_id;
    struct curl_slist *fields = id == NULL ? NULL : fields_with(client, id);
    CURLcode code = id != NULL && fields == NULL ? CURLE_OUT_OF_MEMORY : CURLE_OK;
    if (code == CURLE_OK) {
        code = curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER,
                                id == NULL ? client->fields : fields);
    }
    code = code == CURLE_OK ? set_request(client, request) : code;
    code = code == CURLE_OK ? set_hearer(client->curl, asking) : code;
    code = code == CURLE_OK ? curl_easy_setopt(client->curl, CURLOPT_URL, url) : code;
    code = code == CURLE_OK ? curl_easy_perform(client->curl) : code;
    enum status status = conclude(asking, code, client->url, out_code, err);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->fields);
    curl_slist_free_all(fields);
    return status;
}

enum status http_client_ask(struct http_client *client, const struct http_client_request *request,
                            const struct http_client_hearer *hearer, long *out_code,
                            struct error *err)
{
    ASSERT(client != NULL);
    struct asking asking = {.hearer = hearer, .curl = client->curl, .err = err};
    char *url = NULL;
    if (asprintf(&url, "%s%s", client->url, request->target) < 0) {
        return no_memory(client->url, err);
    }
    enum status status = ask_at(client, url, request, &asking, out_code);
    free(url);
    return status;
}

/* Making ------------------------------------------------------------------------------------ */

static bool set_up(struct http_client *client, const struct http_client_config *config)
{
    const struct http_handle_config handle = {config->url, config->key, config->ca_file,
                                              config->unverified};
    size_t len = strlen(config->url);
    while (len > 0 && config->url[len - 1] == '/') {
        len--;
    }
    client->url = strndup(config->url, len);
    client->curl = curl_easy_init();
    return client->url != NULL && client->curl != NULL &&
           http_handle_add_key(&client->fields, config->key) &&
           http_handle_set_up(client->curl, &handle, client->fields);
}

enum status http_client_new(const struct http_client_config *config,
                            struct http_client **out_client, struct error *err)
{
    enum status status = http_handle_check(config->url, config->ca_file, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return no_memory(config->url, err);
    }
    struct http_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        curl_global_cleanup();
        return no_memory(config->url, err);
    }
    if (!set_up(client, config)) {
        http_client_free(client);
        return no_memory(config->url, err);
    }
    *out_client = client;
    return STATUS_OK;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    curl_slist_free_all(client->fields);
    free(client->url);
    free(client);
    curl_global_cleanup();
}

/* Probing ----------------------------------------------------------------------------------- */

/* Keeps what fits and hears the rest without an error: the status is what counts. */
static enum status keep_begin(void *context, long code, struct str piece, struct error *err)
{
    struct buffer *text = context;
    size_t room = text->bytes_max - text->len;
    (void)code;
    (void)err;
    buffer_append(text, piece.data, piece.len < room ? piece.len : room);
    return STATUS_OK;
}

enum status http_client_probe(const struct http_client_config *config, uint64_t timeout_ms,
                              struct buffer *text, long *out_code, struct error *err)
{
    CLEANUP(http_client_free) struct http_client *client = NULL;
    const struct http_client_hearer hearer = {.take = keep_begin, .context = text};
    const struct http_client_request request = {
        .method = "GET", .target = "", .timeout_ms = timeout_ms};
    enum status status = http_client_new(config, &client, err);
    return status == STATUS_OK ? http_client_ask(client, &request, &hearer, out_code, err) : status;
}
