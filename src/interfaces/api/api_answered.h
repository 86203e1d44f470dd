#pragma once
/*
 * The end of a request: its line in the log at level debug, or at level error where it failed for a
 * fault of the service, with its method, the template of its route, status, time and name, and
 * neither path nor query, in which users and keys stand; and the end of its trace. Loop thread
 * only.
 */
struct http_exchange;

/* As in struct http_handler. */
void api_answered(void *context, const struct http_exchange *exchange, int status);
