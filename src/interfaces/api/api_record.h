#pragma once
/*
 * POST of bodies that are read as a whole: one activity or several, in each notation. Loop thread
 * only.
 */
#include "interfaces/api/api_private.h"

/* One activity, or an array of them. */
void api_record_post(const struct api_call *call);

/* One CloudEvent (structured mode of the HTTP binding), an array of them (batched mode), one with
 * its attributes in the header (binary mode). */
void api_record_post_event(const struct api_call *call);
void api_record_post_events(const struct api_call *call);
void api_record_post_binary_event(const struct api_call *call);
