#include "check.h"

#include "check_index.h"
#include "check_walk.h"
#include "content_hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// What can be wrong, in the order of the verdict's table.
enum wrong { MISSING, DOUBLED, ALTERED, NEVER_SENT, REJECTED_STORED, OUT_OF_ORDER, WRONG_COUNT };

static const struct {
    const char *words;
    const char *json_name;
} wrongs[WRONG_COUNT] = {
    [MISSING] = {"acknowledged, but not stored", "missing"},
    [DOUBLED] = {"stored more than once", "doubled"},
    [ALTERED] = {"stored with other content or id", "altered"},
    [NEVER_SENT] = {"stored, but never sent", "neverSent"},
    [REJECTED_STORED] = {"stored, though answered 4xx", "rejectedStored"},
    [OUT_OF_ORDER] = {"out of a connection's order", "outOfOrder"},
};

enum { EXAMPLES_MAX = 10, SETTLE_MS = 100 };

struct verdict {
    uint64_t counts[WRONG_COUNT];
    char examples[WRONG_COUNT][EXAMPLES_MAX][NAME_BYTES_MAX];
    uint64_t rows;     // read back, of this ledger
    uint64_t stored;   // different activities of this ledger among them
    uint64_t foreign;  // rows of others
    uint64_t in_order; // rows whose order was looked at
};

struct check {
    const struct check_options *options;
    struct expectations *expectations;
    struct http_getter getter;
    struct verdict verdict;
    bool count_rows;        // this walk finds activities; otherwise it looks at the order alone
    bool look_at_order;     // this walk is one ordered user's, oldest first
    bool has_last;          // of this walk: last_sequence is set
    uint64_t last_sequence; // greatest sequence of an acknowledged activity so far
};

static void note_wrong(struct check *check, enum wrong wrong, unsigned run, uint64_t sequence)
{
    uint64_t count = check->verdict.counts[wrong]++;
    if (count < EXAMPLES_MAX) {
        char *example = check->verdict.examples[wrong][count];
        example[name_activity(check->expectations->nonce, run, sequence, example)] = '\0';
    }
}

// By its id when the client sent it, by the key in its metadata when the service made the id.
static bool identify(const struct check *check, yyjson_val *row, unsigned *out_run,
                     uint64_t *out_sequence)
{
    const char *nonce = check->expectations->nonce;
    yyjson_val *id = yyjson_obj_get(row, "id");
    yyjson_val *key = yyjson_obj_get(yyjson_obj_get(row, "metadata"), "key");
    return (yyjson_is_str(id) && name_parse_activity(yyjson_get_str(id), yyjson_get_len(id), nonce,
                                                     out_run, out_sequence)) ||
           (yyjson_is_str(key) && name_parse_activity(yyjson_get_str(key), yyjson_get_len(key),
                                                      nonce, out_run, out_sequence));
}

// Content as sent, and the id as promised when the service made it.
static bool is_as_expected(const struct check *check, const struct expectation *activity,
                           unsigned run, yyjson_val *row)
{
    const struct ledger_run *sent_in = &check->expectations->runs[run - 1].run;
    yyjson_val *id = yyjson_obj_get(row, "id");
    if (content_hash_activity(row, sent_in->timestamps) != activity->content_hash)
        return false;
    return activity->id_hash == 0 ||
           content_hash_bytes(0, yyjson_get_str(id), yyjson_get_len(id)) == activity->id_hash;
}

static void take_order(struct check *check, const struct expectation *activity, unsigned run,
                       uint64_t sequence)
{
    // Without a 202 the next one may rightly overtake: its request may still have been under way.
    if (activity->outcome != OUTCOME_ACKNOWLEDGED)
        return;
    check->verdict.in_order++;
    if (check->has_last && sequence < check->last_sequence)
        note_wrong(check, OUT_OF_ORDER, run, sequence);
    else
        check->last_sequence = sequence;
    check->has_last = true;
}

static void take_row(void *visitor, yyjson_val *row)
{
    struct check *check = visitor;
    unsigned run = 0;
    uint64_t sequence = 0;
    if (!identify(check, row, &run, &sequence)) {
        check->verdict.foreign += check->count_rows;
        return;
    }
    struct expectation *activity = expectations_find(check->expectations, run, sequence);
    if (activity == NULL) {
        if (check->count_rows)
            note_wrong(check, NEVER_SENT, run, sequence);
        return;
    }
    if (check->look_at_order)
        take_order(check, activity, run, sequence);
    if (!check->count_rows)
        return;
    check->verdict.rows++;
    if (activity->seen < EXPECTATION_SEEN_MAX)
        activity->seen++;
    if (!is_as_expected(check, activity, run, row))
        activity->altered = true;
}

static void walk_users(struct check *check)
{
    char query[NAME_BYTES_MAX + 16];
    for (uint32_t user = 0; user < check->expectations->users; user++) {
        char name[NAME_BYTES_MAX];
        size_t len = name_user(check->expectations->nonce, user, name);
        snprintf(query, sizeof query, "&userId=%.*s", (int)len, name);
        check_walk(&check->getter, check->options->path, query, take_row, check);
    }
}

// How many connections of the run had a user of their own.
static uint32_t count_ordered(const struct expected_run *run)
{
    uint32_t count = 0;
    for (uint64_t sequence = 0; sequence < run->count; sequence++) {
        const struct expectation *activity = &run->activities[sequence];
        if (activity->ordered && activity->user >= count)
            count = activity->user + 1;
    }
    return count;
}

static void walk_ordered_users(struct check *check)
{
    char query[NAME_BYTES_MAX + 32];
    check->look_at_order = true;
    for (unsigned run = 1; run <= check->expectations->run_count; run++) {
        uint32_t count = count_ordered(&check->expectations->runs[run - 1]);
        for (uint32_t user = 0; user < count; user++) {
            char name[NAME_BYTES_MAX];
            size_t len = name_ordered_user(check->expectations->nonce, run, user, name);
            snprintf(query, sizeof query, "&order=asc&userId=%.*s", (int)len, name);
            check->has_last = false;
            check_walk(&check->getter, check->options->path, query, take_row, check);
        }
    }
    check->look_at_order = false;
}

static void judge(struct check *check)
{
    for (unsigned run = 1; run <= check->expectations->run_count; run++) {
        const struct expected_run *expected = &check->expectations->runs[run - 1];
        for (uint64_t sequence = 0; sequence < expected->count; sequence++) {
            const struct expectation *activity = &expected->activities[sequence];
            check->verdict.stored += activity->seen > 0;
            if (activity->seen == 0 && activity->outcome == OUTCOME_ACKNOWLEDGED)
                note_wrong(check, MISSING, run, sequence);
            if (activity->seen > 1)
                note_wrong(check, DOUBLED, run, sequence);
            if (activity->altered)
                note_wrong(check, ALTERED, run, sequence);
            if (activity->seen > 0 && activity->outcome == OUTCOME_REJECTED)
                note_wrong(check, REJECTED_STORED, run, sequence);
        }
    }
}

static void look_once(struct check *check)
{
    check->verdict = (struct verdict){0};
    expectations_forget(check->expectations);
    check->count_rows = true;
    if (check->options->by_user)
        walk_users(check);
    else
        check_walk(&check->getter, check->options->path, "", take_row, check);
    check->count_rows = check->options->by_user;
    walk_ordered_users(check);
    judge(check);
}

static void pause_ns(int64_t nanoseconds)
{
    const struct timespec pause = {.tv_sec = nanoseconds / 1000000000,
                                   .tv_nsec = nanoseconds % 1000000000};
    nanosleep(&pause, NULL);
}

// The activity acknowledged last is stored last or nearly so; asking for it costs little while
// the worker catches up.
static void wait_for_last(struct check *check, int64_t deadline_ns)
{
    char target[1024];
    struct http_response response;
    if (check->expectations->last_id[0] == '\0')
        return;
    int len = snprintf(target, sizeof target, "%s/%s", check->options->path,
                       check->expectations->last_id);
    if (len >= (int)sizeof target)
        tool_fail(TOOL_USAGE, "--path is too long");
    do {
        http_get(&check->getter, target, &response);
        if (response.status == 200)
            return;
        pause_ns(SETTLE_MS * INT64_C(1000000));
    } while (tool_now_ns() < deadline_ns);
}

// Looks again while something acknowledged is missing and there is time left, since a worker may
// only be late; nothing else gets better by waiting. Pauses as long as a look takes.
static void look_until_settled(struct check *check)
{
    int64_t deadline_ns = tool_now_ns() + (int64_t)(check->options->wait_s * 1e9);
    check->getter.deadline_ns = deadline_ns;
    wait_for_last(check, deadline_ns);
    for (;;) {
        int64_t begun_ns = tool_now_ns();
        look_once(check);
        int64_t now_ns = tool_now_ns();
        if (check->verdict.counts[MISSING] == 0 || now_ns >= deadline_ns)
            return;
        int64_t pause = now_ns - begun_ns + SETTLE_MS * INT64_C(1000000);
        pause_ns(pause < deadline_ns - now_ns ? pause : deadline_ns - now_ns);
    }
}

static bool holds(const struct check *check)
{
    if (check->options->expect_loss)
        return check->verdict.counts[MISSING] > 0;
    for (unsigned wrong = 0; wrong < WRONG_COUNT; wrong++)
        if (check->verdict.counts[wrong] > 0)
            return false;
    return true;
}

static void print_wrong(const struct verdict *verdict, enum wrong wrong)
{
    uint64_t count = verdict->counts[wrong];
    printf("  %-34s %12" PRIu64 "   %s\n", wrongs[wrong].words, count, count == 0 ? "ok" : "WRONG");
    for (uint64_t example = 0; example < count && example < EXAMPLES_MAX; example++)
        printf("      %s\n", verdict->examples[wrong][example]);
    if (count > EXAMPLES_MAX)
        printf("      … and %" PRIu64 " more\n", count - EXAMPLES_MAX);
}

static void print_verdict(const struct check *check)
{
    const struct verdict *verdict = &check->verdict;
    const struct expectations *expectations = check->expectations;
    printf("ledger %s, nonce %s, %u run%s\n", check->options->ledger_path, expectations->nonce,
           expectations->run_count, expectations->run_count == 1 ? "" : "s");
    printf("  sent %" PRIu64 " = acknowledged %" PRIu64 " + rejected %" PRIu64 " + refused %" PRIu64
           " + unknown %" PRIu64 "\n",
           expectations->sent, expectations->outcomes[OUTCOME_ACKNOWLEDGED],
           expectations->outcomes[OUTCOME_REJECTED], expectations->outcomes[OUTCOME_REFUSED],
           expectations->outcomes[OUTCOME_UNKNOWN]);
    printf("  read back %" PRIu64 " rows = %" PRIu64 " different activities; %" PRIu64
           " rows of others; order looked at in %" PRIu64 " rows\n",
           verdict->rows, verdict->stored, verdict->foreign, verdict->in_order);
    for (unsigned wrong = 0; wrong < WRONG_COUNT; wrong++)
        print_wrong(verdict, (enum wrong)wrong);
    if (check->options->expect_loss)
        printf("verdict: %s\n", holds(check) ? "loss was seen, as expected"
                                             : "NO LOSS SEEN, though it was expected");
    else
        printf("verdict: %s\n", holds(check) ? "the ledger holds" : "THE LEDGER DOES NOT HOLD");
}

static void write_json(const struct check *check)
{
    const char *path = check->options->json_path;
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *file = to_stdout ? stdout : fopen(path, "we");
    if (file == NULL)
        tool_fail(TOOL_WRONG, "%s cannot be written", path);
    fprintf(file,
            "{\"holds\":%s,\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"rows\":%" PRIu64
            ",\"stored\":%" PRIu64 ",\"foreign\":%" PRIu64 ",\"inOrder\":%" PRIu64,
            holds(check) ? "true" : "false", check->expectations->sent,
            check->expectations->outcomes[OUTCOME_ACKNOWLEDGED], check->verdict.rows,
            check->verdict.stored, check->verdict.foreign, check->verdict.in_order);
    for (unsigned wrong = 0; wrong < WRONG_COUNT; wrong++)
        fprintf(file, ",\"%s\":%" PRIu64, wrongs[wrong].json_name, check->verdict.counts[wrong]);
    fprintf(file, "}\n");
    if (fflush(file) != 0 || (!to_stdout && fclose(file) != 0))
        tool_fail(TOOL_WRONG, "%s cannot be written", path);
}

int check_run(const struct check_options *options)
{
    struct check check = {
        .options = options,
        .getter = {.service = &options->service, .fields = options->fields.text, .socket = -1}};
    check.expectations = expectations_read(options->ledger_path);
    look_until_settled(&check);
    if (options->json_path == NULL || strcmp(options->json_path, "-") != 0)
        print_verdict(&check);
    if (options->json_path != NULL)
        write_json(&check);
    bool fine = holds(&check);
    http_getter_deinit(&check.getter);
    expectations_free(check.expectations);
    return fine ? TOOL_FINE : TOOL_WRONG;
}
