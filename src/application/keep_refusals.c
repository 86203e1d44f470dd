#include "application/keep_refusals.h"

#include "application/activity_message.h"
#include "application/refusal_subject.h"

#include <stdlib.h>

enum { AT_ONCE = 256, ROWS_MAX = AT_ONCE * REFUSAL_NAMES_MAX };

/* Refusals on their way into the list: those that are kept come to the front. */
struct keeping {
    const struct keep_refusals *keeper;
    struct uuid log_id;
    struct refusal refusals[AT_ONCE];
    size_t count;
    struct refusal_subject subjects[AT_ONCE];
    struct logged_activity rows[ROWS_MAX]; /* a user each, for the store to say of */
    size_t owners[ROWS_MAX];               /* the refusal of each row */
    size_t row_count;
    bool told[ROWS_MAX];
    bool erased[AT_ONCE];
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to keep refused activities");
}

static int64_t received_at(const struct keeping *keeping, const struct refusal_subject *subject,
                           const struct refusal *refusal)
{
    int64_t now_ms = clock_wall_ms(keeping->keeper->clock);
    int64_t latest_ms = now_ms + ACTIVITY_MESSAGE_AHEAD_MS_MAX;
    if (subject->has_received_at && subject->received_at_ms <= latest_ms) {
        return subject->received_at_ms;
    }
    return refusal->logged_at_ms <= latest_ms ? refusal->logged_at_ms : now_ms;
}

static enum status read_subjects(struct keeping *keeping)
{
    keeping->row_count = 0;
    for (size_t i = 0; i < keeping->count; i++) {
        const struct refusal *refusal = &keeping->refusals[i];
        struct refusal_subject *subject = &keeping->subjects[i];
        if (refusal_subject_read(refusal, subject) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        for (size_t k = 0; k < subject->count; k++) {
            keeping->owners[keeping->row_count] = i;
            keeping->rows[keeping->row_count++] = (struct logged_activity){
                .activity = {.user_id = subject->names[k],
                             .received_at_ms = received_at(keeping, subject, refusal)},
                .position = refusal->position};
        }
    }
    return STATUS_OK;
}

/* Which of the refusals an erasure covers that was given before. */
static enum status ask(struct keeping *keeping, struct error *err)
{
    memset(keeping->erased, 0, sizeof keeping->erased);
    if (read_subjects(keeping) != STATUS_OK) {
        return no_memory(err);
    }
    const struct activity_batch batch = {
        .log_id = keeping->log_id, .rows = keeping->rows, .count = keeping->row_count};
    enum status status = keeping->row_count == 0 ? STATUS_OK
                                                 : erasure_lookup_ask(keeping->keeper->erasures,
                                                                      &batch, keeping->told, err);
    for (size_t i = 0; status == STATUS_OK && i < keeping->row_count; i++) {
        keeping->erased[keeping->owners[i]] |= keeping->told[i];
    }
    return status;
}

/* Also what an earlier attempt listed, before it could see this. */
static enum status take_off(const struct keeping *keeping, const struct refusal *refusal,
                            struct error *err)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(keeping->log_id, refusal->position, id);
    enum status status = refusal_list_remove(keeping->keeper->list, str_from(id), err);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Takes what is erased off the list, and out of what is to be listed. */
static enum status drop_erased(struct keeping *keeping, struct error *err)
{
    enum status status = STATUS_OK;
    size_t kept = 0;
    for (size_t i = 0; status == STATUS_OK && i < keeping->count; i++) {
        if (keeping->erased[i]) {
            status = take_off(keeping, &keeping->refusals[i], err);
        } else {
            keeping->refusals[kept++] = keeping->refusals[i];
        }
    }
    keeping->count = kept;
    return status;
}

static enum status add_some(struct keeping *keeping, struct error *err)
{
    enum status status = ask(keeping, err);
    if (status == STATUS_OK) {
        status = drop_erased(keeping, err);
    }
    if (status == STATUS_OK && keeping->count > 0) {
        status = refusal_list_add(keeping->keeper->list, keeping->log_id, keeping->refusals,
                                  keeping->count, err);
    }
    if (status == STATUS_OK) {
        status = ask(keeping, err);
    }
    return status == STATUS_OK ? drop_erased(keeping, err) : status;
}

enum status keep_refusals_add(const struct keep_refusals *keeper, struct uuid log_id,
                              const struct refusal *refusals, size_t count, struct error *err)
{
    if (keeper->erasures == NULL || count == 0) {
        return refusal_list_add(keeper->list, log_id, refusals, count, err);
    }
    struct keeping *keeping = calloc(1, sizeof *keeping);
    if (keeping == NULL) {
        return no_memory(err);
    }
    keeping->keeper = keeper;
    keeping->log_id = log_id;
    enum status status = STATUS_OK;
    for (size_t at = 0; status == STATUS_OK && at < count; at += AT_ONCE) {
        keeping->count = count - at < AT_ONCE ? count - at : AT_ONCE;
        memcpy(keeping->refusals, refusals + at, keeping->count * sizeof *refusals);
        status = add_some(keeping, err);
    }
    free(keeping);
    return status;
}
