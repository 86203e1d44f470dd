#pragma once
/*
 * CloudEvents 1.0 (version 1.0.2 of the specification, JSON event format) as activities: subject is
 * the userId, type the action, time the timestamp, data the metadata; docs/decisions says what
 * becomes of the rest. As strict as activities, with the same rules and bounds, and faults point
 * into the event. Any thread, as its reader.
 */
#include "application/activity_json.h"

/* So many attributes that the specification does not know may stand in one event. */
enum { CLOUD_EVENT_EXTENSIONS_MAX = 64 };

/* What a name of an attribute may be made of. */
bool cloud_event_is_attribute(struct str name);

/* Whether data of this type is JSON and stands in an event as such: application/json, or whatever
 * ends so; parameters are ignored. */
bool cloud_event_is_json(struct str content_type);

struct cloud_event {
    struct activity_draft draft; /* without an id: source and id together name an event */
    struct str source;
    struct str id;
};

/* Reads one event. `data` is that of an event whose text has attributes only, which a transport
 * carries beside them as JSON; NULL: it stands in the text, or there is none. Both are overwritten
 * and followed by ACTIVITY_JSON_PADDING_BYTES. Slices and statuses as activity_json_read. */
MUST_USE enum status cloud_event_read(struct activity_json_reader *reader,
                                      const struct activity_json_text *text,
                                      const struct activity_json_text *data,
                                      struct cloud_event *out_event, struct rejection *rejection);
