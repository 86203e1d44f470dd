#pragma once
/*
 * One activity of a POST, whatever the body that it came in: read, checked and completed, or
 * refused with words. Loop thread only.
 */
#include "domain/rejection.h"
#include "interfaces/api/api_private.h"

enum { API_ITEM_DETAIL_BYTES = REJECTION_POINTER_BYTES + REJECTION_DETAIL_BYTES + 2 };

struct api_item_reader;

/* Reads one activity of whatever notation. Statuses and lives as api_item_read. */
typedef enum status api_item_function(const struct api_item_reader *reader, char *text, size_t len,
                                      struct activity_draft *out_draft,
                                      struct rejection *rejection);

/* What the items of one request share. */
struct api_item_reader {
    struct api_loop *loop;
    struct api_fields fields; /* of the header */
    api_item_function *read;  /* JSON of this service's own shape, if nobody says otherwise */
    struct arena *arena;      /* what an item points into besides its own text */
    uint64_t now_ns;          /* on the wall clock, when the items were received */
    bool dry_run;             /* everything is checked, nothing is recorded and nothing counted */
    const struct api_caller *caller;
    struct str key_name;  /* of the API key that the request came with; {NULL, 0}: none */
    struct str retry_key; /* what the client calls the request, so that it can be sent again;
                             {NULL, 0}: it does not */
    uint64_t index;       /* of the next item; by it items that are equal differ */
};

/* From the header and the query string, of which the names are known. False when the request was
 * answered, since one of them is wrong. */
bool api_item_reader_init(struct api_item_reader *reader, const struct api_call *call);

/* Reads the next activity and completes it. Its slices live as long as the text, which is
 * overwritten and followed by ACTIVITY_JSON_PADDING_BYTES, and the arena. INVALID or TOO_LARGE:
 * every fault found is in `rejection`. NO_MEMORY. */
MUST_USE enum status api_item_read(struct api_item_reader *reader, char *text, size_t len,
                                   struct activity *out_activity, struct rejection *rejection);

/* The hash of the reader's loop. */
const struct content_hash *api_item_hash(const struct api_item_reader *reader);

/* Counts activities that never reach the log, unless they were only tried. */
void api_item_count_rejected(const struct api_item_reader *reader, size_t activities);

/* What a client is told of an item that is INVALID or TOO_LARGE; points to both others. */
struct http_problem api_item_problem(enum status status, const struct rejection *rejection,
                                     char detail[API_ITEM_DETAIL_BYTES]);

/* The same as JSON, in the arena; {NULL, 0}: there is no memory. Uses the loop's answer. */
struct str api_item_problem_json(const struct api_item_reader *reader, enum status status,
                                 const struct rejection *rejection);
