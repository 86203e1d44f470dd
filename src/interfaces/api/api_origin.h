#pragma once
/*
 * Pages of other sites (the CORS protocol of the Fetch standard): those of the origins that are
 * listed may read answers and send bodies, others may not. Loop thread only, except where it says
 * otherwise.
 */
#include "base/error.h"
#include "interfaces/api/api_private.h"

/* Whether the text is origins as browsers send them, with commas between them, or empty. INVALID:
 * `err` says which is not. Any thread. */
MUST_USE enum status api_origin_check_list(struct str origins, struct error *err);

/* Puts into the answer, whichever it will be, what lets a listed origin read it. */
void api_origin_put_fields(const struct api_call *call);

/* Answers OPTIONS of a route that allows so much, also where a browser asks for a page. */
void api_origin_answer_options(const struct api_call *call, const char *allow);

/* Whether the body may be read, as far as it depends on the page that sends it. False when the
 * request was answered. */
bool api_origin_admits_body(const struct api_call *call);

/* The same for a POST without a body, which a browser sends without asking: pages of listed origins
 * may have it sent, and those of the service itself. */
bool api_origin_admits_post(const struct api_call *call);
