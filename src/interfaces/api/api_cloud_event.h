#pragma once
/*
 * CloudEvents as HTTP carries them (HTTP protocol binding 1.0.2): in the body, or with attributes
 * in the header and nothing but data in the body. Loop thread only.
 */
#include "interfaces/api/api_item.h"

/* Whether attributes of an event are in the header: one of those that every event has is enough,
 * so that one that lacks others is told so. */
bool api_cloud_event_is_binary(const struct api_fields *fields);

/* Both as api_item_function; the draft has the id that follows from source and id of the event. */
MUST_USE enum status api_cloud_event_read(const struct api_item_reader *reader, char *text,
                                          size_t len, struct activity_draft *out_draft,
                                          struct rejection *rejection);
MUST_USE enum status api_cloud_event_read_binary(const struct api_item_reader *reader, char *text,
                                                 size_t len, struct activity_draft *out_draft,
                                                 struct rejection *rejection);
