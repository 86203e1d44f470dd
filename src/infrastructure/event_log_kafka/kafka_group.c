#include "infrastructure/event_log_kafka/kafka_group.h"

#include "infrastructure/event_log_kafka/kafka_partitions.h"

#include <stdio.h>
#include <string.h>

enum {
    COMMIT_EVERY_MS = 1000,
    LEAVE_MS_MAX = 5000,
    LEAVE_TURN_MS = 20,
    LOOK_TIMEOUT_MS = 1000,
    ANSWER_TIMEOUT_MS = 3000 /* for what must be known before a partition is taken or given away */
};

/* Commits ------------------------------------------------------------------------------------ */

/* What the store has, as far as we handed it out: what lies behind may have been refused without
 * being listed, which only reading it again mends. */
static int64_t find_commit(const struct kafka_partition *its)
{
    return its->commit_at < its->handed ? its->commit_at : its->handed;
}

/* What the broker was not told yet, of all partitions or of those in `only`; NULL: nothing. */
static rd_kafka_topic_partition_list_t *take_commits(struct kafka_reader *reader,
                                                     const rd_kafka_topic_partition_list_t *only)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    const char *topic = reader->config.log->topic;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; i < reader->partition_count; i++) {
        struct kafka_partition *its = &reader->partitions[i];
        bool asked = only == NULL ||
                     rd_kafka_topic_partition_list_find(
                         (rd_kafka_topic_partition_list_t *)(uintptr_t)only, topic, i) != NULL;
        int64_t commit = find_commit(its);
        if (asked && kafka_partition_is_read(its) && commit > its->committed) {
            list = list == NULL ? rd_kafka_topic_partition_list_new(1) : list;
            rd_kafka_topic_partition_list_add(list, topic, i)->offset = commit;
            its->committed = commit;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    return list;
}

/* Told again with the next turn. */
static void forget_commits(struct kafka_reader *reader, const rd_kafka_topic_partition_list_t *list)
{
    pthread_mutex_lock(&reader->mutex);
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        struct kafka_partition *its = kafka_partition_of(reader, list->elems[i].partition);
        if (its != NULL) {
            its->committed = -1;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

static void committed(rd_kafka_t *client, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    (void)client;
    struct kafka_context *context = opaque;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__NO_OFFSET) {
        forget_commits(context->owner, offsets);
    }
}

void kafka_group_commit(struct kafka_reader *reader)
{
    uint64_t now_ms = clock_monotonic_ms(reader->config.log->clock);
    if (now_ms < reader->commit_at_ms) {
        return;
    }
    reader->commit_at_ms = now_ms + COMMIT_EVERY_MS;
    rd_kafka_topic_partition_list_t *list = take_commits(reader, NULL);
    if (list == NULL) {
        return;
    }
    if (rd_kafka_commit(reader->client, list, 1) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        forget_commits(reader, list);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* Waits, for the next reader of these partitions begins at what is committed. When the broker does
 * not answer in time, that one reads some twice, which the store sees. */
static void commit_now(struct kafka_reader *reader, const rd_kafka_topic_partition_list_t *only)
{
    rd_kafka_topic_partition_list_t *list = take_commits(reader, only);
    if (list == NULL) {
        return;
    }
    rd_kafka_queue_t *answers = rd_kafka_queue_new(reader->client);
    if (rd_kafka_commit_queue(reader->client, list, answers, NULL, NULL) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(answers, ANSWER_TIMEOUT_MS);
        if (event != NULL) {
            rd_kafka_event_destroy(event);
        }
    }
    rd_kafka_queue_destroy(answers);
    rd_kafka_topic_partition_list_destroy(list);
}

/* Taking and giving -------------------------------------------------------------------------- */

/* It is ours, and where reading it begins is still to be asked. Under the lock. */
static void take_partition(struct kafka_partition *its)
{
    its->assigned = true;
    its->unplaced = true;
    its->unseen = true;
    its->troubled = false;
    its->told = false;
    its->telling = false;
    its->epoch++;
    its->commit_at = -1;
    its->committed = -1;
    its->read_to = its->read_to > its->position ? its->read_to : its->position;
}

/* At what is committed, though seek may have named more: a store may have taken a batch whose
 * refused activities nobody listed any more. Where nothing is committed, at the beginning: Kafka
 * forgets the group's offsets with a topic that is deleted, and what the store names is then of
 * another topic. What is read twice the store sees. Under the lock. */
static void place_partition(struct kafka_reader *reader, rd_kafka_topic_partition_t *from)
{
    struct kafka_partition *its = &reader->partitions[from->partition];
    its->unplaced = false;
    its->unseen = true;
    its->epoch++;
    its->position = from->offset >= 0 ? from->offset : 0;
    its->begin = its->position;
    its->handed = its->position;
    from->offset = from->offset >= 0 ? from->offset : RD_KAFKA_OFFSET_BEGINNING;
    kafka_partition_lead(reader, from->partition);
}

/* Asked when partitions come, for a consumer that closes does not answer any more. */
static bool ask_whether_cooperative(rd_kafka_t *client)
{
    const char *protocol = rd_kafka_rebalance_protocol(client);
    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

/* Not under the lock: librdkafka answers from a thread of its own. */
static void change_assignment(struct kafka_reader *reader,
                              const rd_kafka_topic_partition_list_t *list, bool add)
{
    rd_kafka_error_t *error = NULL;
    if (reader->cooperative) {
        error = add ? rd_kafka_incremental_assign(reader->client, list)
                    : rd_kafka_incremental_unassign(reader->client, list);
    }
    if (error != NULL || !reader->cooperative) {
        rd_kafka_resp_err_t code = rd_kafka_assign(reader->client, add ? list : NULL);
        (void)code; /* librdkafka tells it in a line, and the group divides anew */
    }
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    }
}

/* What the group has committed of each, or in each the error why that is not known. */
static void ask_committed(struct kafka_reader *reader, rd_kafka_topic_partition_list_t *list,
                          int timeout_ms)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(reader->client, list, timeout_ms);
    for (int i = 0; code != RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        list->elems[i].err = code;
    }
}

/* Leaves those in the list of which it is known where they begin. A group whose members are not
 * cooperative assigns all partitions at once, so then it is all or none. */
static void keep_known(const struct kafka_reader *reader, rd_kafka_topic_partition_list_t *list)
{
    int count = list->cnt;
    for (int i = count - 1; i >= 0; i--) {
        if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_topic_partition_list_del_by_idx(list, i);
        }
    }
    while (!reader->cooperative && list->cnt < count && list->cnt > 0) {
        rd_kafka_topic_partition_list_del_by_idx(list, list->cnt - 1);
    }
}

/* Without memory for one it is read, and what comes of it is dropped. */
static void place_known(struct kafka_reader *reader, rd_kafka_topic_partition_list_t *list)
{
    keep_known(reader, list);
    pthread_mutex_lock(&reader->mutex);
    for (int i = 0; i < list->cnt; i++) {
        if (kafka_partition_of(reader, list->elems[i].partition) != NULL) {
            place_partition(reader, &list->elems[i]);
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    change_assignment(reader, list, true);
}

static void take_partitions(struct kafka_reader *reader,
                            const rd_kafka_topic_partition_list_t *given)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(given);
    reader->cooperative = ask_whether_cooperative(reader->client);
    pthread_mutex_lock(&reader->mutex);
    for (int i = 0; i < list->cnt; i++) {
        int32_t partition = list->elems[i].partition;
        if (kafka_partitions_grow(reader, partition + 1) == STATUS_OK) {
            take_partition(&reader->partitions[partition]);
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    ask_committed(reader, list, ANSWER_TIMEOUT_MS);
    place_known(reader, list);
    if (list->cnt < given->cnt) {
        log_write(reader->config.log->logger, LOG_WARNING,
                  "Kafka does not tell what the group committed; nothing is read before it does",
                  LOG_FIELDS(log_number("partitions", given->cnt - list->cnt)));
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* Those that wait for their begin; NULL: none. */
static rd_kafka_topic_partition_list_t *list_unplaced(struct kafka_reader *reader)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; i < reader->partition_count; i++) {
        if (reader->partitions[i].assigned && reader->partitions[i].unplaced) {
            list = list == NULL ? rd_kafka_topic_partition_list_new(1) : list;
            rd_kafka_topic_partition_list_add(list, reader->config.log->topic, i);
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    return list;
}

/* Partitions are taken from us in a callback of this thread only, so none goes while it asks. Only
 * here they are assigned to the consumer: to move one that it reads already would undo where its
 * messages lead. */
static void place_waiting(struct kafka_reader *reader)
{
    rd_kafka_topic_partition_list_t *list = list_unplaced(reader);
    if (list == NULL) {
        return;
    }
    ask_committed(reader, list, LOOK_TIMEOUT_MS);
    keep_known(reader, list);
    if (list->cnt > 0) {
        place_known(reader, list);
        log_write(reader->config.log->logger, LOG_INFO,
                  "Kafka tells what the group committed: reading begins",
                  LOG_FIELDS(log_number("partitions", list->cnt)));
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* The next partition from `from` on whose end is not known yet; -1: none. */
static int32_t find_unseen(struct kafka_reader *reader, int32_t from)
{
    int32_t found = -1;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = from; found < 0 && i < reader->partition_count; i++) {
        const struct kafka_partition *its = &reader->partitions[i];
        found = its->assigned && its->unseen ? i : -1;
    }
    pthread_mutex_unlock(&reader->mutex);
    return found;
}

static void note_end(struct kafka_reader *reader, int32_t partition, int64_t end)
{
    kafka_health_raise_end(reader->config.health, (struct position){partition, end});
    pthread_mutex_lock(&reader->mutex);
    struct kafka_partition *its = &reader->partitions[partition];
    its->unseen = false;
    its->anew = its->assigned && (its->position > end || its->read_to > end);
    pthread_mutex_unlock(&reader->mutex);
}

/* A topic that was made anew may be given to us with its end below what we read of the old one. A
 * broker that does not tell now is asked again. */
static void look_at_ends(struct kafka_reader *reader)
{
    for (int32_t i = find_unseen(reader, 0); i >= 0; i = find_unseen(reader, i + 1)) {
        int64_t low = 0;
        int64_t high = 0;
        if (rd_kafka_query_watermark_offsets(reader->client, reader->config.log->topic, i, &low,
                                             &high,
                                             LOOK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return;
        }
        note_end(reader, i, high);
    }
}

void kafka_group_look(struct kafka_reader *reader)
{
    place_waiting(reader);
    look_at_ends(reader);
}

/* Whether the consumer does not know it yet. Under the lock. */
static bool is_unplaced(struct kafka_reader *reader, int32_t partition)
{
    const struct kafka_partition *its = kafka_partition_of(reader, partition);
    return its != NULL && its->unplaced;
}

/* What the consumer has of those that go. */
static rd_kafka_topic_partition_list_t *list_placed(struct kafka_reader *reader,
                                                    const rd_kafka_topic_partition_list_t *going)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(going);
    pthread_mutex_lock(&reader->mutex);
    for (int i = list->cnt - 1; i >= 0; i--) {
        if (is_unplaced(reader, list->elems[i].partition)) {
            rd_kafka_topic_partition_list_del_by_idx(list, i);
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    return list;
}

static void give_partitions(struct kafka_reader *reader,
                            const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *placed = list_placed(reader, list);
    if (rd_kafka_assignment_lost(reader->client) == 0) {
        commit_now(reader, list);
    }
    pthread_mutex_lock(&reader->mutex);
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_partition *its = kafka_partition_of(reader, list->elems[i].partition);
        if (its != NULL) {
            its->assigned = false;
            its->unplaced = false;
            its->epoch++;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    change_assignment(reader, placed, false);
    rd_kafka_topic_partition_list_destroy(placed);
}

static void rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *list, void *opaque)
{
    (void)client;
    struct kafka_context *context = opaque;
    struct kafka_reader *reader = context->owner;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        reader->was_given = true;
        take_partitions(reader, list);
        look_at_ends(reader);
    } else {
        give_partitions(reader, list);
    }
    log_write(reader->config.log->logger, LOG_INFO,
              code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
                  ? "the group gave partitions to this member"
                  : "the group took partitions from this member",
              LOG_FIELDS(log_number("partitions", list->cnt)));
}

void kafka_group_configure(rd_kafka_conf_t *conf, const struct event_log_kafka_config *config)
{
    kafka_conf_set(conf, "group.id", config->group);
    if (config->instance_id[0] != '\0') {
        kafka_conf_set(conf, "group.instance.id", config->instance_id);
    }
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, committed);
}

enum status kafka_group_join(struct kafka_reader *reader, struct error *err)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, reader->config.log->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(reader->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "cannot join the group %.64s: %s",
                           reader->config.log->group, rd_kafka_err2str(code));
}

static bool has_partitions(struct kafka_reader *reader)
{
    bool has = false;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; !has && i < reader->partition_count; i++) {
        has = reader->partitions[i].assigned;
    }
    pthread_mutex_unlock(&reader->mutex);
    return has;
}

bool kafka_group_leave(struct kafka_reader *reader)
{
    const struct clock *clock = reader->config.log->clock;
    uint64_t deadline_ms = clock_monotonic_ms(clock) + LEAVE_MS_MAX;
    rd_kafka_resp_err_t code = rd_kafka_unsubscribe(reader->client);
    (void)code; /* then the partitions stay, and the deadline passes */
    while (has_partitions(reader) && clock_monotonic_ms(clock) < deadline_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, LEAVE_TURN_MS);
        if (message != NULL) {
            rd_kafka_message_destroy(message);
        }
    }
    return !has_partitions(reader);
}
