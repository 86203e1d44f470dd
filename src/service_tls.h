#pragma once
/* TLS of the server, as the settings name its files. Main's thread. */
#include "base/logger.h"
#include "infrastructure/config/settings.h"
#include "interfaces/http/http_tls.h"

#include <stdbool.h>
#include <stdio.h>

/* Reads the files; sets NULL where none are named. INVALID: one without the other, or what
 * http_tls_new says. A certificate that clients may refuse is told to `warnings`. */
MUST_USE enum status service_open_tls(const struct settings *settings, FILE *warnings,
                                      struct http_tls **out_tls, struct error *err);

/* Reads the files again and says in the log what came of it; false: the certificate stays as it
 * was. Takes NULL and does nothing then. */
bool service_reload_tls(struct http_tls *tls, const struct logger *logger);
