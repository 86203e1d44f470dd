// Walks through a list of activities page by page, with cursors, a row at a time. One thread.
#pragma once

#include "http_get.h"

#include <yyjson.h>

// Called for each row; numbers are raw text. Valid during the call.
typedef void check_row(void *visitor, yyjson_val *row);

// Walks `path` with limit 1000 and the further query parameters ("" or "&name=value…"). Waits while
// the service answers 503, until the getter's deadline; ends the program on any other answer but
// 200 and on pages that do not lead on.
void check_walk(struct http_getter *getter, const char *path, const char *query, check_row *visit,
                void *visitor);
