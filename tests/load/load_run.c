#include "load.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

enum {
    EVENTS_MAX = 256,
    LOOK_INTERVAL_MS = 10,      // how often time-outs and pauses are looked at
    RECONNECT_INTERVAL_MS = 20, // between two tries of one connection
    PAUSE_MS = 100,             // after 429, 503 and 507 without Retry-After
    PAUSE_MAX_MS = 1000,        // a test has not the patience of a real client
    DRAIN_MS = 5000             // for the last answers after a signal
};

static volatile sig_atomic_t stop_signal;

static void take_signal(int number)
{
    stop_signal = number;
}

static int64_t from_seconds(double seconds)
{
    return (int64_t)(seconds * (double)NS_PER_S);
}

static void make_idle(struct load *load, struct connection *connection)
{
    connection->state = CONNECTION_IDLE;
    load->idle[load->idle_count++] = connection->number;
}

static void end_connection(struct load *load, struct connection *connection)
{
    connection_close(connection);
    connection->state = CONNECTION_ENDED;
    load->ended_count++;
}

// Closes a connection; it is opened again unless the service stayed away for too long. A
// connection that the service closed in order (broke = false) may always come back.
static void drop_connection(struct load *load, struct connection *connection, bool broke)
{
    int64_t now_ns = tool_now_ns();
    if (connection->state == CONNECTION_WAITING) {
        load_outcome_lost(load, connection);
        load->waiting_count--;
    }
    // A try to connect that fails while the service is away is none that broke.
    if (broke && connection->state != CONNECTION_CONNECTING)
        load->figures.connections_broken++;
    connection_close(connection);
    int64_t patience_ns = from_seconds(load->options->reconnect_s);
    if (broke && (load->options->reconnect_s == 0 || now_ns - load->last_alive_ns > patience_ns)) {
        load->gave_up = true;
        end_connection(load, connection);
        return;
    }
    connection->wake_ns = broke ? now_ns + RECONNECT_INTERVAL_MS * NS_PER_MS : now_ns;
}

// A connection in the idle stack may break as well: the service closed it.
static void forget_idle(struct load *load, const struct connection *connection)
{
    for (uint32_t index = 0; index < load->idle_count; index++) {
        if (load->idle[index] == connection->number) {
            load->idle[index] = load->idle[--load->idle_count];
            return;
        }
    }
}

static void open_connection(struct load *load, struct connection *connection, int64_t now_ns)
{
    connection->timeout_ns = now_ns + from_seconds(load->options->timeout_s);
    if (!connection_begin(connection, load->epoll, &load->options->service))
        drop_connection(load, connection, true);
}

static void look_at_times(struct load *load, int64_t now_ns)
{
    load->last_look_ns = now_ns;
    for (uint32_t number = 0; number < load->options->connections; number++) {
        struct connection *connection = &load->connections[number];
        bool late = now_ns >= connection->timeout_ns;
        bool awake = now_ns >= connection->wake_ns;
        if (connection->state == CONNECTION_CLOSED && load->stopping)
            end_connection(load, connection);
        else if (connection->state == CONNECTION_CLOSED && awake)
            open_connection(load, connection, now_ns);
        else if (connection->state == CONNECTION_PAUSED && awake)
            make_idle(load, connection);
        else if (late && (connection->state == CONNECTION_WAITING ||
                          connection->state == CONNECTION_CONNECTING)) {
            load->figures.timeouts++;
            drop_connection(load, connection, true);
        }
    }
}

static int64_t planned_ns(const struct load *load, uint64_t request)
{
    return load->figures.started_ns +
           (int64_t)((double)request * (double)NS_PER_S / load->options->rate_per_s);
}

static bool is_given_out(const struct load *load)
{
    return load->options->count > 0 && load->next_sequence >= load->options->count;
}

static void begin_stopping(struct load *load, int64_t now_ns)
{
    double planned = floor((double)(now_ns - load->figures.started_ns) * load->options->rate_per_s /
                           (double)NS_PER_S);
    load->stopping = true;
    if (load->options->rate_per_s > 0 && !is_given_out(load) &&
        planned > (double)load->next_request)
        load->figures.planned_not_sent = (uint64_t)planned - load->next_request;
}

static void decide_stopping(struct load *load, int64_t now_ns)
{
    int64_t duration_ns = from_seconds(load->options->duration_s);
    if (load->stopping)
        return;
    if (is_given_out(load) || (duration_ns > 0 && now_ns - load->figures.started_ns >= duration_ns))
        begin_stopping(load, now_ns);
    if (stop_signal != 0 && !load->stopping) {
        begin_stopping(load, now_ns);
        for (uint32_t number = 0; number < load->options->connections; number++)
            load->connections[number].timeout_ns = now_ns + DRAIN_MS * NS_PER_MS;
    }
}

static void prepare_requests(struct load *load, int64_t now_ns)
{
    bool planned = load->options->rate_per_s > 0;
    while (load->idle_count > 0 && !load->stopping && !is_given_out(load)) {
        if (planned && planned_ns(load, load->next_request) > now_ns)
            break;
        struct connection *connection = &load->connections[load->idle[--load->idle_count]];
        load_request_prepare(load, connection);
        connection->state = CONNECTION_READY;
        connection->started_ns = planned ? planned_ns(load, load->next_request) : 0;
        load->next_request++;
        load->ready[load->ready_count++] = connection->number;
    }
}

// The ledger comes first: see the order of S lines in ledger.h.
static void send_requests(struct load *load)
{
    if (load->ledger != NULL)
        ledger_flush(load->ledger);
    for (uint32_t index = 0; index < load->ready_count; index++) {
        struct connection *connection = &load->connections[load->ready[index]];
        int64_t now_ns = tool_now_ns();
        if (connection->started_ns == 0)
            connection->started_ns = now_ns;
        connection->timeout_ns = now_ns + from_seconds(load->options->timeout_s);
        load->waiting_count++;
        if (!connection_send(connection, load->epoll))
            drop_connection(load, connection, true);
    }
    load->ready_count = 0;
}

static void pause_or_idle(struct load *load, struct connection *connection,
                          const struct http_response *response, int64_t now_ns)
{
    int64_t pause_ms = response->retry_after_s > 0 ? response->retry_after_s * 1000 : PAUSE_MS;
    if (response->status != 429 && response->status != 503 && response->status != 507) {
        make_idle(load, connection);
        return;
    }
    connection->state = CONNECTION_PAUSED;
    connection->wake_ns = now_ns + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS) * NS_PER_MS;
}

// Bytes came in while waiting: perhaps the whole answer.
static void take_answer(struct load *load, struct connection *connection)
{
    struct http_response response;
    enum http_progress progress = http_reader_next(&connection->reader, &response);
    int64_t now_ns = tool_now_ns();
    if (progress == HTTP_PARTIAL)
        return;
    if (progress == HTTP_BROKEN) {
        load->figures.wrong_answers++;
        drop_connection(load, connection, true);
        return;
    }
    load->last_alive_ns = now_ns;
    histogram_record(&load->figures.latency, (uint64_t)(now_ns - connection->started_ns));
    load_outcome_take(load, connection, &response);
    load->waiting_count--;
    http_reader_consume(&connection->reader);
    // An answer to an unfinished request, or more bytes than the answer: start afresh.
    bool in_step = connection->out_sent == connection->out_end && connection->reader.len == 0;
    pause_or_idle(load, connection, &response, now_ns);
    if (!response.keep_alive || !in_step) {
        if (connection->state == CONNECTION_IDLE)
            load->idle_count--;
        drop_connection(load, connection, false);
    }
}

static void take_event(struct load *load, struct connection *connection, uint32_t events)
{
    if (connection->state == CONNECTION_CONNECTING) {
        if (!connection_complete(connection, load->epoll)) {
            drop_connection(load, connection, true);
            return;
        }
        load->last_alive_ns = tool_now_ns();
        make_idle(load, connection);
        return;
    }
    if (connection->state == CONNECTION_WAITING && (events & EPOLLOUT) != 0 &&
        !connection_send(connection, load->epoll)) {
        drop_connection(load, connection, true);
        return;
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return;
    if (!connection_receive(connection)) {
        if (connection->state == CONNECTION_IDLE)
            forget_idle(load, connection);
        drop_connection(load, connection, connection->state == CONNECTION_WAITING);
    } else if (connection->state == CONNECTION_WAITING) {
        take_answer(load, connection);
    }
}

// Waits for events, the next planned request or the next look at the times.
static void wait_for_events(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int64_t now_ns = tool_now_ns();
    int64_t until_ns = load->last_look_ns + LOOK_INTERVAL_MS * NS_PER_MS;
    if (load->options->rate_per_s > 0 && load->idle_count > 0 && !load->stopping &&
        planned_ns(load, load->next_request) < until_ns)
        until_ns = planned_ns(load, load->next_request);
    int64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec timeout = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int count = epoll_pwait2(load->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && errno != EINTR)
        tool_fail(TOOL_WRONG, "epoll: %s", strerror(errno));
    for (int index = 0; index < count; index++)
        take_event(load, &load->connections[events[index].data.u32], events[index].events);
}

static bool is_finished(const struct load *load)
{
    return (load->stopping && load->waiting_count == 0) ||
           load->ended_count == load->options->connections;
}

static void turn_wheel(struct load *load)
{
    while (!is_finished(load)) {
        int64_t now_ns = tool_now_ns();
        decide_stopping(load, now_ns);
        if (now_ns - load->last_look_ns >= LOOK_INTERVAL_MS * NS_PER_MS) {
            look_at_times(load, now_ns);
            load_report_progress(load, now_ns);
        }
        prepare_requests(load, now_ns);
        send_requests(load);
        if (!is_finished(load))
            wait_for_events(load);
    }
    load->figures.ended_ns = tool_now_ns();
}

static void allow_files(uint32_t connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < connections + 64) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void begin_ledger(struct load *load)
{
    const struct run_options *options = load->options;
    uint32_t random = 0;
    load->run.run = 1;
    load->run.server_ids = options->server_ids;
    load->run.timestamps = !options->ordered;
    if (options->ledger_path != NULL) {
        load->ledger = ledger_open(options->ledger_path, load->run.server_ids, load->run.timestamps,
                                   load->nonce, &load->run.run);
        return;
    }
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        tool_fail(TOOL_WRONG, "no randomness for a nonce");
    snprintf(load->nonce, sizeof load->nonce, "%08x", random);
}

static void begin_connections(struct load *load)
{
    uint32_t count = load->options->connections;
    allow_files(count);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0)
        tool_fail(TOOL_WRONG, "epoll: %s", strerror(errno));
    load->connections = tool_allocate(count, sizeof *load->connections);
    load->idle = tool_allocate(count, sizeof *load->idle);
    load->ready = tool_allocate(count, sizeof *load->ready);
    load->answered = tool_allocate(load->options->batch, 1);
    for (uint32_t number = 0; number < count; number++) {
        load->connections[number].number = number;
        load->connections[number].socket = -1;
    }
}

static void end_load(struct load *load)
{
    for (uint32_t number = 0; number < load->options->connections; number++)
        connection_deinit(&load->connections[number]);
    free(load->connections);
    free(load->idle);
    free(load->ready);
    free(load->answered);
    generator_free(load->generator);
    close(load->epoll);
    free(load);
}

// Wrong is what the service may never do to a well-behaved client, and an end before what was asked
// was sent although we were told to wait for the service.
static int exit_code(const struct load *load)
{
    bool cut_short = load->gave_up && !load->stopping;
    bool asked_to_wait = load->options->reconnect_s > 0 || load->figures.acknowledged == 0;
    if (load->figures.wrong_answers > 0 || load->figures.rejected > 0)
        return TOOL_WRONG;
    return cut_short && asked_to_wait ? TOOL_WRONG : TOOL_FINE;
}

int load_run(const struct run_options *options)
{
    struct load *load = tool_allocate(1, sizeof *load);
    struct sigaction action = {.sa_handler = take_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    // Planned requests shall not start 50 us late because the kernel gathers timers.
    prctl(PR_SET_TIMERSLACK, 1UL);
    load->options = options;
    begin_ledger(load);
    struct generator_config config = {.run = load->run.run,
                                      .server_ids = options->server_ids,
                                      .timestamps = load->run.timestamps,
                                      .evenly = options->evenly,
                                      .users = options->users,
                                      .activity_bytes = options->activity_bytes,
                                      .seed = options->seed};
    if (options->history_days > 0)
        config.history = (struct generator_history){
            .start_ms = tool_wall_ms() - (int64_t)(options->history_days * 86400000.0),
            .step_ms = options->history_days * 86400000.0 / (double)options->count};
    memcpy(config.nonce, load->nonce, sizeof config.nonce);
    load->generator = generator_new(&config);
    begin_connections(load);
    load->figures.started_ns = tool_now_ns();
    load->last_alive_ns = load->figures.started_ns;
    turn_wheel(load);
    ledger_close(load->ledger);
    load_report_end(load);
    int code = exit_code(load);
    end_load(load);
    return code;
}
