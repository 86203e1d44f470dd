#include "application/resend_refusals.h"

#include "base/assert.h"
#include "base/condition.h"

#include <string.h>

/* One page on its way. */
struct sending {
    struct resend_refusals *self;
    const struct refusal_entry *entries;
    size_t count;
    struct uuid log_id; /* of the log in use */
    struct arena *arena;
    struct resend_outcome *outcome;
    struct activity *activities; /* read, to be sent */
    const struct refusal_entry **sources;
    size_t ready;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0,
                     "there is no memory to send refused activities again");
}

/* Appending --------------------------------------------------------------------------------- */

/* On the log's thread. */
static void completed(struct append_listener *listener, const struct append_result *results,
                      size_t count)
{
    struct resend_refusals *self = CONTAINER_OF(listener, struct resend_refusals, listener);
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < count; i++) {
        if (self->waits && results[i].ticket.generation == self->generation) {
            self->waits = false;
            self->status = results[i].status;
            self->durability = results[i].durability;
            pthread_cond_broadcast(&self->heard);
        }
    }
    pthread_mutex_unlock(&self->lock);
}

static uint64_t begin_waiting(struct resend_refusals *self)
{
    pthread_mutex_lock(&self->lock);
    uint64_t generation = ++self->generation;
    self->waits = true;
    pthread_mutex_unlock(&self->lock);
    return generation;
}

static enum status wait_for_result(struct resend_refusals *self)
{
    struct timespec deadline = condition_deadline(self->config.wait_ms);
    pthread_mutex_lock(&self->lock);
    while (self->waits && condition_wait_until(&self->heard, &self->lock, &deadline)) {
    }
    enum status status = self->waits ? STATUS_TIMED_OUT : self->status;
    self->waits = false;
    pthread_mutex_unlock(&self->lock);
    return status;
}

static enum status append(struct resend_refusals *self, const struct activity *activities,
                          size_t count)
{
    const struct append_ticket ticket = {.generation = begin_waiting(self)};
    enum status status =
        record_activities_append(self->config.recorder, activities, count, &self->listener, ticket);
    return status == STATUS_OK ? wait_for_result(self) : status;
}

static enum status tell_append(enum status status, struct error *err)
{
    static const char not_confirmed[] = "the event log did not confirm in time; what was sent may "
                                        "be in it, and is stored once when it is sent again";
    static const char *const words[STATUS_COUNT] = {
        [STATUS_BUSY] = "the queue in front of the event log is full",
        [STATUS_NO_SPACE] = "the event log has no space left",
        [STATUS_TIMED_OUT] = not_confirmed,
    };
    return error_set(err, status, 0, "%s",
                     words[status] != NULL ? words[status]
                                           : "the event log does not accept activities now");
}

/* Reading ----------------------------------------------------------------------------------- */

static enum status keep(struct sending *sending, const struct refusal_entry *entry,
                        struct str reason, struct error *err)
{
    struct resend_outcome *outcome = sending->outcome;
    struct str copy = arena_copy_str(sending->arena, reason);
    if (copy.data == NULL) {
        return no_memory(err);
    }
    outcome->kept[outcome->kept_count++] = (struct kept_refusal){entry->id, copy};
    return STATUS_OK;
}

/* A message of another log has that log's id where its topic's name stood, which nobody knows any
 * more. */
static struct str topic_of(const struct sending *sending, const struct refusal_entry *entry)
{
    const char *topic = sending->self->config.topic;
    if (topic != NULL && uuid_equal(entry->log_id, sending->log_id)) {
        return str_from(topic);
    }
    char text[UUID_TEXT_BYTES];
    uuid_format(entry->log_id, text);
    return arena_copy_str(sending->arena, (struct str){text, sizeof text});
}

/* Reads a copy, since reading writes into the text. */
static enum status read_message(struct sending *sending, const struct refusal_entry *entry,
                                struct activity *out_activity, struct rejection *rejection)
{
    const struct refusal *refusal = &entry->refusal;
    char *copy = arena_allocate(sending->arena, refusal->raw.len + ACTIVITY_MESSAGE_PADDING_BYTES);
    const struct activity_message_place place = {
        .topic = topic_of(sending, entry),
        .position = refusal->position,
        .logged_at_ms = refusal->logged_at_ms,
        .now_ms = clock_wall_ms(sending->self->config.clock),
    };
    if (copy == NULL || place.topic.data == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, refusal->raw.data, refusal->raw.len);
    memset(copy + refusal->raw.len, 0, ACTIVITY_MESSAGE_PADDING_BYTES);
    const struct activity_message_text text = {copy, refusal->raw.len, sending->arena};
    return activity_message_read(&sending->self->reader, &text, &place, out_activity, rejection);
}

static enum status read_entry(struct sending *sending, const struct refusal_entry *entry,
                              struct error *err)
{
    struct activity *activity = &sending->activities[sending->ready];
    struct rejection rejection;
    if (entry->refusal.raw.data == NULL || entry->refusal.raw.len == 0) {
        return keep(sending, entry, STR("the message has no value, so there is nothing to send"),
                    err);
    }
    rejection_init(&rejection);
    enum status status = read_message(sending, entry, activity, &rejection);
    if (status == STATUS_OK) {
        sending->sources[sending->ready++] = entry;
        return STATUS_OK;
    }
    if (status != STATUS_INVALID && status != STATUS_TOO_LARGE) {
        return no_memory(err);
    }
    struct str why = activity_message_tell(&rejection, sending->arena);
    return why.data == NULL ? no_memory(err) : keep(sending, entry, why, err);
}

/* Sending ----------------------------------------------------------------------------------- */

static enum status take_off(struct sending *sending, size_t begin, size_t count, struct error *err)
{
    struct resend_outcome *outcome = sending->outcome;
    outcome->durability = sending->self->durability;
    for (size_t i = begin; i < begin + count; i++) {
        struct error why;
        enum status status =
            refusal_list_remove(sending->self->config.lister->list, sending->sources[i]->id, &why);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return error_set(err, status, why.cause,
                             "it is in the event log, but still listed, and stored once should it "
                             "be sent again: %s",
                             why.message);
        }
        outcome->resent++;
        outcome->activity_id = sending->activities[i].id;
        record_activities_count_resent(sending->self->config.recorder, 1);
    }
    return STATUS_OK;
}

/* All at once where the log takes so much, else one by one. */
static enum status send_from(struct sending *sending, size_t begin, size_t count, struct error *err)
{
    enum status status = append(sending->self, sending->activities + begin, count);
    if (status == STATUS_OK) {
        return take_off(sending, begin, count, err);
    }
    if (status == STATUS_TOO_LARGE && count == 1) {
        return keep(sending, sending->sources[begin],
                    STR("it is larger than what the event log takes"), err);
    }
    if (status != STATUS_TOO_LARGE) {
        return tell_append(status, err);
    }
    status = send_from(sending, begin, count / 2, err);
    return status == STATUS_OK ? send_from(sending, begin + count / 2, count - count / 2, err)
                               : status;
}

static enum status send_entries(struct sending *sending, struct error *err)
{
    struct event_log_state log;
    size_t count = sending->count;
    sending->activities = arena_allocate(sending->arena, (count + 1) * sizeof(struct activity));
    sending->sources =
        arena_allocate(sending->arena, (count + 1) * sizeof(const struct refusal_entry *));
    sending->outcome->kept =
        arena_allocate(sending->arena, (count + 1) * sizeof(struct kept_refusal));
    if (sending->activities == NULL || sending->sources == NULL || sending->outcome->kept == NULL) {
        return no_memory(err);
    }
    event_log_describe(sending->self->config.log, &log);
    sending->log_id = log.log_id;
    sending->outcome->looked_at = count;
    enum status status = STATUS_OK;
    /* The oldest first, as they came. */
    for (size_t i = count; status == STATUS_OK && i > 0; i--) {
        status = read_entry(sending, &sending->entries[i - 1], err);
    }
    return status == STATUS_OK && sending->ready > 0 ? send_from(sending, 0, sending->ready, err)
                                                     : status;
}

static enum status lock(struct resend_refusals *self, struct error *err)
{
    return pthread_mutex_trylock(&self->in_use) == 0
               ? STATUS_OK
               : error_set(err, STATUS_BUSY, 0,
                           "refused activities are being sent again already; try again later");
}

enum status resend_refusals_one(struct resend_refusals *self, struct str id, struct arena *arena,
                                struct resend_outcome *out_outcome, struct error *err)
{
    struct refusal_entry entry;
    *out_outcome = (struct resend_outcome){0};
    struct sending sending = {
        .self = self, .entries = &entry, .count = 1, .arena = arena, .outcome = out_outcome};
    enum status status = lock(self, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = refusal_list_get(self->config.lister->list, id, arena, &entry, err);
    if (status == STATUS_OK) {
        status = send_entries(&sending, err);
    }
    if (status == STATUS_OK && out_outcome->kept_count > 0) {
        status = error_set(err, STATUS_INVALID, 0, "it stays in the list: %.*s",
                           STR_FORMAT(out_outcome->kept[0].reason));
    }
    pthread_mutex_unlock(&self->in_use);
    return status;
}

enum status resend_refusals_page(struct resend_refusals *self,
                                 const struct list_refusals_question *question, struct arena *arena,
                                 struct resend_outcome *out_outcome, struct error *err)
{
    struct list_refusals_answer *answer = &out_outcome->answer;
    enum status status = lock(self, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = list_refusals_page(self->config.lister, question, arena, answer, err);
    *out_outcome = (struct resend_outcome){.answer = *answer};
    if (status == STATUS_OK) {
        struct sending sending = {.self = self,
                                  .entries = answer->page.entries,
                                  .count = answer->page.count,
                                  .arena = arena,
                                  .outcome = out_outcome};
        status = send_entries(&sending, err);
    }
    pthread_mutex_unlock(&self->in_use);
    return status;
}

/* Life -------------------------------------------------------------------------------------- */

enum status resend_refusals_init(struct resend_refusals *self,
                                 const struct resend_refusals_config *config, struct error *err)
{
    *self = (struct resend_refusals){.config = *config, .listener.completed = completed};
    if (activity_message_reader_init(&self->reader) != STATUS_OK) {
        return no_memory(err);
    }
    pthread_mutex_init(&self->in_use, NULL);
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->heard);
    return STATUS_OK;
}

void resend_refusals_deinit(struct resend_refusals *self)
{
    if (self->config.lister != NULL) {
        activity_message_reader_deinit(&self->reader);
        pthread_cond_destroy(&self->heard);
        pthread_mutex_destroy(&self->lock);
        pthread_mutex_destroy(&self->in_use);
        self->config.lister = NULL;
    }
}
