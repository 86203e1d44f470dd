/* Opens the topic and the store of a replay, each as settings name it, and reads the one into the
 * other. */
#include "replay_access.h"

#include "infrastructure/event_log_kafka/event_log_kafka.h"
#include "service_parts.h"
#include "stop_signals.h"

#include <unistd.h>

enum { GIVE_UP_MS = 60000 };

static struct service service; /* too large for a stack, one for the process */

/* Where a replay lies in the topic. */
struct borders {
    struct position_set first; /* that the topic holds */
    struct position_set end;   /* of the topic now */
    struct position_set from;
    struct position_set to;
};

static void borders_init(struct borders *borders)
{
    position_set_init(&borders->first);
    position_set_init(&borders->end);
    position_set_init(&borders->from);
    position_set_init(&borders->to);
}

static void borders_deinit(struct borders *borders)
{
    position_set_deinit(&borders->first);
    position_set_deinit(&borders->end);
    position_set_deinit(&borders->from);
    position_set_deinit(&borders->to);
}

static int64_t within(int64_t offset, int64_t least, int64_t most)
{
    if (offset < least) {
        return least;
    }
    return offset > most ? most : offset;
}

/* The offset of each partition at the border, within what the topic holds. */
static enum status place(const struct borders *borders, const struct replay_border *border,
                         struct position_set *out_positions, struct error *err)
{
    struct position_set at_time;
    position_set_init(&at_time);
    enum status status = border->is_time ? event_log_kafka_at_time(service.kafka_log, border->value,
                                                                   &borders->end, &at_time, err)
                                         : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < borders->end.count; i++) {
        struct position end = borders->end.items[i];
        int64_t asked = border->is_time ? position_set_get(&at_time, end.partition) : border->value;
        int64_t least = position_set_get(&borders->first, end.partition);
        status = position_set_raise(
            out_positions, (struct position){end.partition, within(asked, least, end.offset)});
        if (status != STATUS_OK) {
            error_set(err, status, 0, "there is no memory for the positions of a replay");
        }
    }
    position_set_deinit(&at_time);
    return status;
}

static enum status find_borders(const struct replay_request *request, struct borders *borders,
                                struct error *err)
{
    static const struct replay_border everything = {.given = true, .value = INT64_MAX};
    enum status status =
        event_log_kafka_ends(service.kafka_log, &borders->first, &borders->end, err);
    status = status == STATUS_OK ? place(borders, &request->from, &borders->from, err) : status;
    return status == STATUS_OK
               ? place(borders, request->to.given ? &request->to : &everything, &borders->to, err)
               : status;
}

static enum status read_settings(const struct replay_request *request, struct error *err)
{
    const struct settings_sources sources = {request->argument_count, request->arguments, environ};
    enum status status = settings_read(&sources, &service.settings, stderr, err);
    if (status == STATUS_OK) {
        status = service_check_settings(&service.settings, err);
    }
    if (status == STATUS_OK && service.settings.event_log != EVENT_LOG_KAFKA) {
        status = error_set(err, STATUS_INVALID, 0,
                           "a replay reads a topic again: say --event-log kafka; what a local "
                           "event log still holds comes into the store at each start");
    }
    if (status == STATUS_OK && service.settings.store == STORE_MEMORY) {
        status = error_set(err, STATUS_INVALID, 0,
                           "--store memory ends with the replay; say --store mongodb or local");
    }
    return status == STATUS_OK ? service_check_clients(&service, err) : status;
}

static enum status replay(const struct replay_request *request, struct replay_figures *out_figures,
                          enum replay_end *out_end, struct error *err)
{
    struct borders borders;
    borders_init(&borders);
    enum status status = find_borders(request, &borders, err);
    if (status == STATUS_OK) {
        status = replay_activities_run(
            &(struct replay_activities_config){
                .log = service.log,
                .store = service.store,
                .refusals = service.refusals,
                .erasures = service.erasures,
                .random = &random_system,
                .clock = &clock_system,
                .listener = request->listener,
                .from = &borders.from,
                .to = &borders.to,
                .batch_rows_max = service_batch_rows(&service.settings),
                .retention_days = (unsigned)service.settings.retention_days,
                .give_up_ms = GIVE_UP_MS,
            },
            out_figures, out_end, err);
    }
    borders_deinit(&borders);
    return status;
}

static enum status open_all(struct error *err)
{
    service.use = SERVICE_REPLAYS;
    service.logger =
        (struct logger){.clock = &clock_system, .descriptor = STDERR_FILENO, .level = LOG_WARNING};
    (void)service_raise_descriptor_limit();
    stop_signals_catch();
    stop_signals_block();
    enum status status = service_open_log(&service, err);
    status = status == STATUS_OK ? service_open_store(&service, err) : status;
    status = status == STATUS_OK ? service_open_refusals(&service, err) : status;
    stop_signals_unblock();
    return status;
}

static enum status run(const struct replay_request *request, struct replay_figures *out_figures,
                       enum replay_end *out_end, struct error *err)
{
    enum status status = read_settings(request, err);
    if (status == STATUS_OK) {
        status = open_all(err);
        status = status == STATUS_OK ? replay(request, out_figures, out_end, err) : status;
        status = service_blame_state(status, err);
        service_take_down(&service);
    }
    return status;
}

static bool stop_wanted(void)
{
    return stop_signals_count() > 0;
}

const struct replay_access *replay_access(void)
{
    static const struct replay_access access = {
        .run = run, .stop_wanted = stop_wanted, .clock = &clock_system};
    return &access;
}
