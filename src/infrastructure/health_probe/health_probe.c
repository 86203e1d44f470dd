#include "infrastructure/health_probe/health_probe.h"

#include "base/loopback.h"

#include <curl/curl.h>

/* Keeps what fits and hears the rest without an error: the status is what counts. */
static size_t take_text(char *data, size_t size, size_t count, void *context)
{
    struct buffer *text = context;
    size_t room = text->bytes_max - text->len;
    buffer_append(text, data, size * count < room ? size * count : room);
    return size * count;
}

static bool set_up(CURL *curl, const char *url, uint64_t timeout_ms, struct buffer *text)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_text) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_WRITEDATA, text) : code;
    return code == CURLE_OK;
}

/* A probe asks whether the server is ready, and on this machine nobody stands in between; its
 * certificate is one for the name that others call it by. */
static void trust_loopback(CURL *curl, const char *url)
{
    char *host = NULL;
    CURLU *parsed = curl_url();
    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == 0 &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        loopback_is_host(str_from(host))) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    curl_free(host);
    curl_url_cleanup(parsed);
}

static enum status translate(CURLcode code, const char *url, struct error *err)
{
    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.80s\" is no address of a server; write http://127.0.0.1:3000", url);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, STATUS_TIMED_OUT, 0, "%.80s did not answer in time", url);
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to ask %.80s", url);
    default:
        return error_set(err, STATUS_UNAVAILABLE, 0, "%.80s does not answer: %.60s", url,
                         curl_easy_strerror(code));
    }
}

static enum status ask(CURL *curl, const char *url, long *out_code, struct error *err)
{
    long code = 0;
    trust_loopback(curl, url);
    enum status status = translate(curl_easy_perform(curl), url, err);
    if (status == STATUS_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
        *out_code = code;
    }
    return status;
}

enum status health_probe_ask(const char *url, uint64_t timeout_ms, struct buffer *text,
                             long *out_code, struct error *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return translate(CURLE_OUT_OF_MEMORY, url, err);
    }
    CURL *curl = curl_easy_init();
    enum status status = curl != NULL && set_up(curl, url, timeout_ms, text)
                             ? ask(curl, url, out_code, err)
                             : translate(CURLE_OUT_OF_MEMORY, url, err);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return status;
}
