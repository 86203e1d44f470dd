#pragma once
/* Between the files of http_tls: what they have of OpenSSL. */
#include "interfaces/http/http_tls.h"

#include <openssl/ssl.h>

/* http_tls_files.c: reads certificates and key into `context`. INVALID, NO_MEMORY. Any thread. */
MUST_USE enum status http_tls_files_read(const struct http_tls_files *files, SSL_CTX *context,
                                         struct error *err);

/* http_tls.c: one that shows what was read last; NULL without memory. Any thread. */
SSL *http_tls_make(struct http_tls *tls);
