#pragma once
/*
 * What tests ask the API with, without a network: the exchange is a double that keeps its answer,
 * the server one that keeps what came late, log, store, refused list and source of checkpoints say
 * what the test wants. One thread at a time.
 */
#include "interfaces/api/api.h"
#include "interfaces/http/http_exchange.h"

enum {
    BED_TEXT_BYTES = 64 * 1024,
    BED_HEADERS_MAX = 12,
    BED_BATCH_MAX = 5,
    BED_BODY_MAX = 4096,
    BED_ACTIVITY_MAX = 1024,
    BED_REFUSED_MAX = 9
};

/* A request, and the answer that it got. */
struct http_exchange {
    struct http_request request;
    struct http_header headers[BED_HEADERS_MAX];
    struct arena arena;
    char body[BED_TEXT_BYTES];
    void *data;
    const void *caller;
    void *trace;
    unsigned route;
    struct http_peer peer;
    struct str name;
    char scratch[HTTP_SCRATCH_BYTES];
    uint64_t age_ms;
    char fields[1024]; /* of the answer that have no place below, one a line */
    size_t body_bytes_max;
    int answers;
    int status;
    char content_type[64];
    char answer[BED_TEXT_BYTES];
    char allow[64];
    char retry_after[16];
    char link[512];
    char etag[64];
    char cache_control[64];
};

struct http_server {
    struct http_completion completion; /* the last one */
    _Atomic size_t completion_count;   /* may come from another thread */
};

struct api_bed {
    struct http_exchange exchange; /* of the last request */
    struct http_server server;
    enum status offload_answer;
    uint64_t pool_wait_ns; /* before what is offloaded has its turn */

    struct event_log log;
    struct event_log_state log_state; /* as described */
    struct uuid result_log_id; /* where appends end up, which need not be the log described */
    bool several_partitions;   /* appends touch 0 and 7 */
    enum status append_answer;
    struct append_listener *listener; /* of the last append, as the next three */
    struct append_ticket ticket;
    struct activity appended[BED_BATCH_MAX];
    size_t appended_count;
    struct position_set log_next;

    struct activity_store store;
    enum status find_answer; /* also of counts */
    struct activity row;     /* what it holds */
    size_t rows;             /* how often it is found */
    bool more;
    size_t find_filter_users; /* how many the store was asked for last */
    uint64_t counted;
    struct str find_user;      /* the first of the filter, kept in a text of the bed's own */
    uint64_t find_deadline_ns; /* as the store was told last */
    struct activity_tally_request tally_asked;
    struct activity_tally tally;
    struct coverage accounts; /* the test's; each setup forgets them */
    struct position_set log_end;
    struct activity_tally times; /* instead of it, of stretches of a length that was asked for */

    struct refusal_list refusals;
    size_t refused_count; /* entries that it holds, BED_REFUSED_MAX at most */
    struct refusal_entry refused[BED_REFUSED_MAX];
    enum status refused_answer;
    size_t removed; /* entries that were taken off */

    struct checkpoint_source checkpoints;
    enum status sign_answer;

    uint64_t now_ns;
    struct clock clock;
    struct record_activities recorder;
    struct find_activities finder;
    struct count_activities counter;
    struct summarize_user summarizer;
    struct await_stored *waits; /* without threads: told by bed_store alone */
    struct erase_user eraser;
    struct list_refusals lister;
    struct resend_refusals resender;
    struct accounting accounting;
    struct store_activities *worker;
    struct logger logger;
    struct api *api;
};

/* An activity, as JSON. */
#define BED_ONE "{\"userId\":\"u\",\"action\":\"a\",\"id\":\"own\"}"

/* Whose pages may ask. */
#define BED_ORIGINS "https://shop.example, http://[::1]:8080"

/* What the source of checkpoints signs. */
#define BED_CHECKPOINT "usertrail.store/of-a-double\n17\n"

/* For cmocka: *state is a bed in which everything goes well. */
int bed_setup(void **state);
int bed_teardown(void **state);

/* --- asking, step by step or at once --- */

void bed_request(struct api_bed *bed, enum http_method method, const char *target);
void bed_add_header(struct api_bed *bed, struct str name, const char *value);
void bed_set_body(struct api_bed *bed, const char *body);

/* Calls the handler as the transport does. Returns the bed's exchange, like the two below. */
const struct http_exchange *bed_run(struct api_bed *bed);
const struct http_exchange *bed_get(struct api_bed *bed, const char *target);
const struct http_exchange *bed_post(struct api_bed *bed, const char *target, const char *body);

/* What the log says later of the last append, carried to the loop. */
void bed_complete(struct api_bed *bed, enum status status, int64_t offset, bool client_is_there);

/* Everything below the offset of the log's partition 0 is in the store from now on; whoever waited
 * for that goes on if the client is there. */
void bed_store(struct api_bed *bed, int64_t offset, bool client_is_there);

/* Runs what another thread carries to the loop, which must happen within ten seconds. */
void bed_run_awaited(struct api_bed *bed);

/* A receipt of a log whose id begins with the byte. The text is static. */
const char *bed_receipt(unsigned char log, int64_t offset);

/* Whether the answer is a problem with that status, and `word` in its text; says on stderr why not.
 */
bool bed_is_problem(const struct http_exchange *exchange, int status, const char *word);
