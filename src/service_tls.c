#include "service_tls.h"

#include "base/clock.h"

static enum http_tls_validity validity_now(struct http_tls *tls)
{
    uint64_t now_s =
        clock_wall_ns(&clock_system) / NANOSECONDS_PER_MILLISECOND / MILLISECONDS_PER_SECOND;
    return http_tls_validity_at(tls, (int64_t)now_s);
}

/* NULL: nothing is wrong with its dates. */
static const char *complaint(enum http_tls_validity validity)
{
    switch (validity) {
    case HTTP_TLS_EXPIRED:
        return "the certificate of --tls-cert-file has expired; most clients will refuse it";
    case HTTP_TLS_NOT_YET_VALID:
        return "the certificate of --tls-cert-file is not valid yet; most clients will refuse it";
    case HTTP_TLS_VALID:
        break;
    }
    return NULL;
}

enum status service_open_tls(const struct settings *settings, FILE *warnings,
                             struct http_tls **out_tls, struct error *err)
{
    struct http_tls_files files = {.certificate = settings->tls_cert_file,
                                   .key = settings->tls_key_file};
    bool has_certificate = files.certificate[0] != '\0';
    bool has_key = files.key[0] != '\0';
    *out_tls = NULL;
    if (has_certificate != has_key) {
        return error_set(err, STATUS_INVALID, 0,
                         "--tls-%s-file is given without --tls-%s-file; TLS needs both",
                         has_key ? "key" : "cert", has_key ? "cert" : "key");
    }
    enum status status = has_key ? http_tls_new(&files, out_tls, err) : STATUS_OK;
    const char *wrong = *out_tls == NULL ? NULL : complaint(validity_now(*out_tls));
    if (wrong != NULL) {
        fprintf(warnings, "usertrail: warning: %s\n", wrong);
    }
    return status;
}

bool service_reload_tls(struct http_tls *tls, const struct logger *logger)
{
    struct error err;
    if (tls == NULL) {
        return true;
    }
    if (http_tls_reload(tls, &err) != STATUS_OK) {
        log_error(logger, "the certificate stays as it was, since its files cannot be used", &err);
        return false;
    }
    log_write(logger, LOG_INFO, "new connections get the certificate that was read", LOG_NO_FIELDS);
    const char *wrong = complaint(validity_now(tls));
    if (wrong != NULL) {
        log_write(logger, LOG_WARNING, wrong, LOG_NO_FIELDS);
    }
    return true;
}
