#include "infrastructure/http_client/http_handle.h"

#include "base/loopback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { URL_BYTES_MAX = 1024, KEY_LINE_BYTES = 512, CONNECT_MS_MAX = 10 * 1000 };

static enum status refuse_url(const char *url, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0,
                     "\"%.60s\" is no address of a server; write http://127.0.0.1:3000", url);
}

enum status http_handle_check(const char *url, const char *ca_file, struct error *err)
{
    bool known = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    CURLU *parsed = curl_url();
    bool valid = known && parsed != NULL && strlen(url) < URL_BYTES_MAX &&
                 curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parsed);
    if (!valid) {
        return refuse_url(url, err);
    }
    return ca_file == NULL || access(ca_file, R_OK) == 0
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, errno, "the file %.80s of --cacert cannot be read",
                           ca_file);
}

/* Whoever may listen on this machine's own addresses sees what is sent there, with plain HTTP as
 * well, and a certificate for its public name would not fit them. Who names a file wants proof. */
static bool is_trusted(const struct http_handle_config *config)
{
    char *host = NULL;
    CURLU *parsed = curl_url();
    bool trusted = config->unverified;
    if (!trusted && parsed != NULL && curl_url_set(parsed, CURLUPART_URL, config->url, 0) == 0 &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        trusted = loopback_is_host(str_from(host));
    }
    curl_free(host);
    curl_url_cleanup(parsed);
    return trusted && config->ca_file == NULL;
}

static CURLcode set_proof(CURL *curl, const struct http_handle_config *config)
{
    if (config->ca_file != NULL) {
        return curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
    }
    if (!is_trusted(config)) {
        return CURLE_OK;
    }
    CURLcode code = curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    return code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) : code;
}

bool http_handle_set_up(CURL *curl, const struct http_handle_config *config,
                        struct curl_slist *fields)
{
    CURLcode code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields) : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") : code;
    code = code == CURLE_OK ? curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") : code;
    code = code == CURLE_OK
               ? curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX)
               : code;
    return code == CURLE_OK && set_proof(curl, config) == CURLE_OK;
}

bool http_handle_add_field(struct curl_slist **fields, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*fields, line);
    *fields = longer == NULL ? *fields : longer;
    return longer != NULL;
}

bool http_handle_add_key(struct curl_slist **fields, const char *key)
{
    char line[KEY_LINE_BYTES];
    if (key == NULL) {
        return true;
    }
    int len = snprintf(line, sizeof line, "Authorization: Bearer %s", key);
    return len > 0 && (size_t)len < sizeof line && http_handle_add_field(fields, line);
}

enum status http_handle_translate(CURLcode code, const char *url, struct error *err)
{
    switch (code) {
    case CURLE_OK:
        return STATUS_OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return refuse_url(url, err);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, STATUS_TIMED_OUT, 0, "%.80s did not answer in time", url);
    case CURLE_OUT_OF_MEMORY:
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to ask %.80s", url);
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(
            err, STATUS_UNAVAILABLE, 0,
            "the certificate of %.60s is not believed; --cacert names who vouches for it", url);
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(err, STATUS_INVALID, 0, "the file of --cacert cannot be read as PEM");
    default:
        return error_set(err, STATUS_UNAVAILABLE, 0, "%.80s does not answer: %.60s", url,
                         curl_easy_strerror(code));
    }
}
