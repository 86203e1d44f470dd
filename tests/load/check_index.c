#include "check_index.h"

#include "content_hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct expectation) == 24, "the documented memory of a check");

static void add_run(struct expectations *expectations, const struct ledger_run *run)
{
    if (run->run != expectations->run_count + 1)
        tool_fail(TOOL_USAGE, "the ledger's runs are not numbered from 1 without gaps");
    expectations->runs = tool_reallocate(expectations->runs, (expectations->run_count + 1) *
                                                                 sizeof *expectations->runs);
    expectations->runs[expectations->run_count++] = (struct expected_run){.run = *run};
}

static void add_sent(struct expectations *expectations, const struct ledger_sent *sent)
{
    struct expected_run *run = &expectations->runs[expectations->run_count - 1];
    if (sent->sequence != run->count)
        tool_fail(TOOL_USAGE, "the ledger's run %u has no activity %" PRIu64 " but one after it",
                  run->run.run, run->count);
    if (run->count == run->capacity) {
        // Grown by a half, so that the peak stays near what is needed.
        run->capacity = run->capacity + run->capacity / 2 + 1024;
        run->activities = tool_reallocate(run->activities, run->capacity * sizeof *run->activities);
    }
    run->activities[run->count++] = (struct expectation){
        .content_hash = sent->content_hash, .user = sent->user, .ordered = sent->ordered};
    expectations->sent++;
    expectations->outcomes[OUTCOME_UNKNOWN]++;
    if (!sent->ordered && sent->user >= expectations->users)
        expectations->users = sent->user + 1;
}

static void keep_last_id(struct expectations *expectations, const struct ledger_record *record)
{
    char name[NAME_BYTES_MAX];
    size_t len = record->id_len;
    const char *id = record->id;
    if (id == NULL) {
        len = name_activity(expectations->nonce, expectations->run_count, record->sent.sequence,
                            name);
        id = name;
    }
    if (len < sizeof expectations->last_id) {
        memcpy(expectations->last_id, id, len);
        expectations->last_id[len] = '\0';
    }
}

static enum outcome outcome_of(const struct ledger_record *record)
{
    if (record->kind == 'A')
        return OUTCOME_ACKNOWLEDGED;
    if (record->kind == 'U')
        return OUTCOME_UNKNOWN;
    return record->status >= 400 && record->status < 500 ? OUTCOME_REJECTED : OUTCOME_REFUSED;
}

static void visit(void *visitor, const struct ledger_record *record)
{
    struct expectations *expectations = visitor;
    if (record->kind == 'R') {
        add_run(expectations, &record->run);
        return;
    }
    if (expectations->run_count == 0)
        tool_fail(TOOL_USAGE, "the ledger begins without a run");
    if (record->kind == 'S') {
        add_sent(expectations, &record->sent);
        return;
    }
    struct expectation *activity =
        expectations_find(expectations, expectations->run_count, record->sent.sequence);
    if (activity == NULL)
        tool_fail(TOOL_USAGE, "the ledger has an outcome of what was never sent");
    enum outcome outcome = outcome_of(record);
    if (outcome < (enum outcome)activity->outcome)
        return;
    expectations->outcomes[activity->outcome]--;
    expectations->outcomes[outcome]++;
    activity->outcome = (uint8_t)outcome;
    if (outcome == OUTCOME_ACKNOWLEDGED) {
        activity->id_hash =
            record->id == NULL ? 0 : content_hash_bytes(0, record->id, record->id_len);
        keep_last_id(expectations, record);
    }
}

struct expectations *expectations_read(const char *ledger_path)
{
    struct expectations *expectations = tool_allocate(1, sizeof *expectations);
    ledger_read(ledger_path, expectations->nonce, visit, expectations);
    return expectations;
}

void expectations_free(struct expectations *expectations)
{
    if (expectations == NULL)
        return;
    for (unsigned run = 0; run < expectations->run_count; run++)
        free(expectations->runs[run].activities);
    free(expectations->runs);
    free(expectations);
}

struct expectation *expectations_find(struct expectations *expectations, unsigned run,
                                      uint64_t sequence)
{
    if (run == 0 || run > expectations->run_count)
        return NULL;
    struct expected_run *expected = &expectations->runs[run - 1];
    return sequence < expected->count ? &expected->activities[sequence] : NULL;
}

void expectations_forget(struct expectations *expectations)
{
    for (unsigned run = 0; run < expectations->run_count; run++) {
        struct expected_run *expected = &expectations->runs[run];
        for (uint64_t sequence = 0; sequence < expected->count; sequence++) {
            expected->activities[sequence].seen = 0;
            expected->activities[sequence].altered = false;
        }
    }
}
