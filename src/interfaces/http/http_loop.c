#include "interfaces/http/http_loop.h"

#include "base/assert.h"
#include "interfaces/http/http_acceptor.h"
#include "interfaces/http/http_connection.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    TIMER_GRAIN_MS = 20, /* deadlines are looked at no finer than this */
    LINGER_TIMEOUT_MS = 2000,
    /* While stopping nobody waits long for clients that do not close, or say nothing. */
    DRAIN_LINGER_MS = 250,
    PATIENT_MAX = 16 /* completions in a turn: each may end in a write of some microseconds */
};

/* --- the end of a turn --- */

static void deadline_timer_arm(struct http_loop *loop);

static void flush_dirty(struct http_loop *loop)
{
    while (loop->dirty != NULL) {
        struct http_connection *connection = loop->dirty;
        loop->dirty = connection->dirty_next;
        connection->dirty = false;
        http_connection_settle(connection);
    }
}

void http_loop_end_turn(struct http_loop *loop)
{
    flush_dirty(loop);
    loop->clock_ns = 0;
    deadline_timer_arm(loop);
}

/* One step for each connection that is busy now; who is not done comes again in the next turn. */
static void run_busy(struct http_loop *loop)
{
    struct http_connection *last = NULL;
    for (struct http_connection *at = loop->busy; at != NULL; at = at->busy_next) {
        last = at;
    }
    bool more = last != NULL;
    while (more) {
        struct http_connection *connection = last;
        last = connection->busy_previous;
        more = last != NULL;
        http_connection_rest(connection);
        http_input_continue(connection);
    }
}

static void run_completion(struct http_loop *loop, const struct http_completion *completion)
{
    completion->run(http_exchange_table_find(&loop->exchanges, &completion->ticket), completion);
}

/* True: there may be more, for the next turn. */
static bool run_patient(struct http_loop *loop)
{
    for (unsigned i = 0; i < PATIENT_MAX; i++) {
        const struct http_completion *completion = http_mailbox_take_patient(&loop->mailbox);
        if (completion == NULL) {
            return false;
        }
        run_completion(loop, completion);
    }
    return true;
}

/* What is patient gives way to other threads as well: else each would wait for a whole slice of the
 * scheduler, the committer on its way to an answer and whoever is to read that. */
static void on_turn_end(uv_check_t *check)
{
    struct http_loop *loop = check->data;
    run_busy(loop);
    if (run_patient(loop)) {
        http_loop_keep_turning(loop);
        sched_yield();
    } else if (loop->busy == NULL && loop->handles_open) {
        uv_idle_stop(&loop->busy_idle);
    }
    http_loop_end_turn(loop);
}

static void on_busy(uv_idle_t *idle)
{
    (void)idle; /* its being there keeps the loop from waiting */
}

void http_loop_keep_turning(struct http_loop *loop)
{
    if (loop->handles_open) {
        uv_idle_start(&loop->busy_idle, on_busy);
    }
}

/* --- deadlines --- */

static struct http_connection *deadline_owner(struct http_deadline *deadline,
                                              enum http_deadline_kind kind)
{
    return kind == HTTP_DEADLINE_WRITE
               ? CONTAINER_OF(deadline, struct http_connection, output_deadline)
               : CONTAINER_OF(deadline, struct http_connection, input_deadline);
}

static void on_deadline_timer(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    enum http_deadline_kind kind;
    struct http_deadline *due;
    loop->timer_due_ms = UINT64_MAX;
    while ((due = http_deadlines_take_due(&loop->deadlines, uv_now(&loop->uv), &kind)) != NULL) {
        http_connection_expire(deadline_owner(due, kind), kind);
    }
    http_loop_end_turn(loop); /* timers may run when the turn has ended already */
}

/* The timer is moved only when something is due before it; a deadline that was met in time leaves
 * it running, and it then finds nothing. It is never moved further away: what is due within the
 * grain already would else be put off at each turn of a busy loop. */
static void deadline_timer_arm(struct http_loop *loop)
{
    uint64_t due_ms;
    if (!loop->handles_open || !http_deadlines_next(&loop->deadlines, &due_ms)) {
        return;
    }
    uint64_t now_ms = uv_now(&loop->uv);
    if (due_ms < now_ms + TIMER_GRAIN_MS) {
        due_ms = now_ms + TIMER_GRAIN_MS;
    }
    if (due_ms < loop->timer_due_ms) {
        loop->timer_due_ms = due_ms;
        uv_timer_start(&loop->deadline_timer, on_deadline_timer, due_ms - now_ms, 0);
    }
}

/* --- stopping --- */

static void handles_close(struct http_loop *loop)
{
    loop->handles_open = false;
    http_acceptor_stop(loop);
    uv_close((uv_handle_t *)&loop->mail, NULL);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->busy_idle, NULL);
    uv_close((uv_handle_t *)&loop->deadline_timer, NULL);
    uv_close((uv_handle_t *)&loop->drain_timer, NULL);
    uv_close((uv_handle_t *)&loop->accept_timer, NULL);
}

/* The mailbox closes before its handle, so nobody signals a handle that is gone. */
void http_loop_finish_if_done(struct http_loop *loop)
{
    if (loop->draining && loop->handles_open && loop->connection_count == 0 &&
        loop->offloads_under_way == 0) {
        http_mailbox_close(&loop->mailbox);
        handles_close(loop);
    }
}

static void on_drain_timer(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    while (loop->connections != NULL) {
        http_connection_cut(loop->connections);
    }
    /* Connections that other loops still hand over are cut, too. */
    uv_timer_start(timer, on_drain_timer, TIMER_GRAIN_MS, 0);
}

static void drain(struct http_loop *loop)
{
    loop->draining = true;
    http_acceptor_take_rest(loop);
    http_acceptor_stop(loop);
    uint64_t now_ms = uv_now(&loop->uv);
    http_deadlines_shorten(&loop->deadlines, HTTP_DEADLINE_LINGER, DRAIN_LINGER_MS, now_ms);
    http_deadlines_shorten(&loop->deadlines, HTTP_DEADLINE_IDLE, DRAIN_LINGER_MS, now_ms);
    loop->timer_due_ms = UINT64_MAX; /* armed for the longer times */
    struct http_connection *next;
    for (struct http_connection *at = loop->connections; at != NULL; at = next) {
        next = at->next;
        http_connection_drain(at);
    }
    uint64_t drain_ms = atomic_load(&loop->server->drain_ms);
    uv_timer_start(&loop->drain_timer, on_drain_timer, drain_ms, 0);
    http_loop_finish_if_done(loop);
}

/* --- mail --- */

static void mail_deliver(struct http_loop *loop)
{
    const struct http_mail *mail = http_mailbox_take(&loop->mailbox);
    loop->clock_ns = 0;
    for (size_t i = 0; i < mail->completions.count; i++) {
        run_completion(loop, &mail->completions.completions[i]);
    }
    for (size_t i = 0; i < mail->descriptor_count; i++) {
        http_acceptor_adopt(loop, mail->descriptors[i]);
    }
}

static void on_mail(uv_async_t *async)
{
    struct http_loop *loop = async->data;
    mail_deliver(loop);
    if (!loop->draining && atomic_load(&loop->server->stopping)) {
        drain(loop);
    }
}

static void mail_wake(void *context)
{
    struct http_loop *loop = context;
    uv_async_send(&loop->mail);
}

/* --- life --- */

static bool handles_open(struct http_loop *loop)
{
    if (uv_loop_init(&loop->uv) != 0) {
        return false;
    }
    if (uv_async_init(&loop->uv, &loop->mail, on_mail) != 0) {
        uv_loop_close(&loop->uv);
        return false;
    }
    if (uv_poll_init(&loop->uv, &loop->accept_poll, loop->accept_socket) != 0) {
        uv_close((uv_handle_t *)&loop->mail, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
        uv_loop_close(&loop->uv);
        return false;
    }
    uv_check_init(&loop->uv, &loop->turn_end);
    uv_idle_init(&loop->uv, &loop->busy_idle);
    uv_timer_init(&loop->uv, &loop->deadline_timer);
    uv_timer_init(&loop->uv, &loop->drain_timer);
    uv_timer_init(&loop->uv, &loop->accept_timer);
    uv_check_start(&loop->turn_end, on_turn_end);
    uv_unref((uv_handle_t *)&loop->turn_end);
    loop->mail.data = loop;
    loop->turn_end.data = loop;
    loop->deadline_timer.data = loop;
    loop->drain_timer.data = loop;
    loop->handles_open = true;
    return true;
}

static void deadlines_open(struct http_loop *loop)
{
    const struct http_limits *limits = &loop->server->config.limits;
    http_deadlines_init(&loop->deadlines, (const uint64_t[HTTP_DEADLINE_COUNT]){
                                              [HTTP_DEADLINE_HEADER] = limits->header_timeout_ms,
                                              [HTTP_DEADLINE_BODY] = limits->body_timeout_ms,
                                              [HTTP_DEADLINE_RATE] = limits->body_timeout_ms,
                                              [HTTP_DEADLINE_IDLE] = limits->idle_timeout_ms,
                                              [HTTP_DEADLINE_WRITE] = limits->write_timeout_ms,
                                              [HTTP_DEADLINE_LINGER] = LINGER_TIMEOUT_MS,
                                          });
}

enum status http_loop_new(struct http_server *server, uint32_t index, int *accept_socket,
                          struct http_loop **out_loop, struct error *err)
{
    struct http_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return error_set_system(err, ENOMEM, "Cannot make an event loop");
    }
    loop->server = server;
    loop->index = index;
    loop->accept_socket = *accept_socket;
    loop->spare = -1;
    loop->timer_due_ms = UINT64_MAX;
    if (http_series_init(&loop->series, server->config.handler.route_count) != STATUS_OK) {
        free(loop);
        return error_set_system(err, ENOMEM, "Cannot make an event loop");
    }
    if (!handles_open(loop)) {
        http_series_deinit(&loop->series);
        free(loop);
        return error_set_system(err, EMFILE, "Cannot make an event loop");
    }
    deadlines_open(loop);
    http_mailbox_init(&loop->mailbox, mail_wake, loop);
    http_exchange_table_init(&loop->exchanges, loop);
    *accept_socket = -1;
    *out_loop = loop;
    return STATUS_OK;
}

static void loop_main(void *context)
{
    struct http_loop *loop = context;
    char name[16]; /* the longest that Linux keeps */
    snprintf(name, sizeof name, "loop-%u", (unsigned)loop->index);
    pthread_setname_np(pthread_self(), name);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

/* Signals are for the main thread, but those that a fault raises in the thread itself. */
static void signals_block(sigset_t *out_before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < ARRAY_LENGTH(own); i++) {
        sigdelset(&blocked, own[i]);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, out_before);
}

enum status http_loop_start(struct http_loop *loop, struct error *err)
{
    enum status status = http_acceptor_start(loop);
    if (status != STATUS_OK) {
        return error_set(err, status, 0, "Cannot watch the listening socket");
    }
    sigset_t before;
    signals_block(&before);
    int result = uv_thread_create(&loop->thread, loop_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        return error_set(err, STATUS_UNAVAILABLE, -result, "Cannot start an event loop's thread");
    }
    loop->started = true;
    return STATUS_OK;
}

void http_loop_join(struct http_loop *loop)
{
    if (loop->started) {
        uv_thread_join(&loop->thread);
        loop->started = false;
    }
}

/* What came too late, for exchanges that are gone. */
static void mail_drop(struct http_loop *loop)
{
    const struct http_mail *mail = http_mailbox_take(&loop->mailbox);
    const struct http_completion *completion;
    for (size_t i = 0; i < mail->completions.count; i++) {
        completion = &mail->completions.completions[i];
        completion->run(NULL, completion);
    }
    while ((completion = http_mailbox_take_patient(&loop->mailbox)) != NULL) {
        completion->run(NULL, completion);
    }
    for (size_t i = 0; i < mail->descriptor_count; i++) {
        close(mail->descriptors[i]);
    }
}

void http_loop_free(struct http_loop *loop)
{
    if (loop->handles_open) {
        http_mailbox_close(&loop->mailbox);
        handles_close(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    mail_drop(loop);
    int result = uv_loop_close(&loop->uv);
    ASSERT(result == 0);
    http_exchange_table_deinit(&loop->exchanges);
    http_mailbox_deinit(&loop->mailbox);
    http_series_deinit(&loop->series);
    free(loop);
}

struct str http_loop_date(struct http_loop *loop)
{
    uint64_t now_ms = uv_now(&loop->uv);
    if (now_ms != loop->date_at_ms) {
        uint64_t wall_ns = clock_wall_ns(loop->server->config.clock);
        uint64_t second = wall_ns / NANOSECONDS_PER_MILLISECOND / MILLISECONDS_PER_SECOND;
        loop->date_at_ms = now_ms;
        if (second != loop->date_second) {
            loop->date_second = second;
            http_date_format(wall_ns, loop->date);
        }
    }
    return (struct str){loop->date, HTTP_DATE_BYTES};
}

/* The time ---------------------------------------------------------------------------------- */

uint64_t http_loop_begin_ns(struct http_loop *loop)
{
    if (loop->clock_ns == 0) {
        loop->clock_ns = clock_monotonic_ns(loop->server->config.clock);
    }
    return loop->clock_ns;
}

/* What began with the newest reading has taken some time since. */
uint64_t http_loop_answer_ns(struct http_loop *loop, uint64_t begun_ns)
{
    if (loop->clock_ns == begun_ns) {
        loop->clock_ns = 0;
    }
    return http_loop_begin_ns(loop);
}
