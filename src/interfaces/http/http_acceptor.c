#include "interfaces/http/http_acceptor.h"

#include "interfaces/http/http_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPTS_PER_TURN = 64, /* then the open connections have their turn again */
    ACCEPT_PAUSE_MS = 50,  /* when even the spare descriptor did not help */
    REFUSALS_MAX = 256,    /* connections that are told why; more are just closed */
    LOAD_SLACK = 2,        /* a smaller difference is not worth the hand-over */
    LOAD_SLACK_DIVISOR = 8
};

static void on_acceptable(uv_poll_t *poll, int status, int events);

static struct http_loop *loop_least_loaded(struct http_loop *loop)
{
    struct http_server *server = loop->server;
    struct http_loop *least = loop;
    unsigned own = atomic_load_explicit(&loop->load, memory_order_relaxed);
    unsigned lowest = own;
    for (unsigned i = 0; i < server->loop_count; i++) {
        unsigned load = atomic_load_explicit(&server->loops[i]->load, memory_order_relaxed);
        if (load < lowest) {
            lowest = load;
            least = server->loops[i];
        }
    }
    return own - lowest >= LOAD_SLACK + own / LOAD_SLACK_DIVISOR ? least : loop;
}

static void connection_refuse(struct http_loop *loop, int descriptor)
{
    counter_add(&loop->counters.connections_refused, 1);
    if (loop->refusals >= REFUSALS_MAX || loop->draining) {
        close(descriptor);
        return;
    }
    http_connection_open_refused(loop, descriptor);
}

static void connection_forget(struct http_loop *loop)
{
    atomic_fetch_sub_explicit(&loop->load, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&loop->server->connections_open, 1, memory_order_relaxed);
}

static void connection_serve(struct http_loop *loop, int descriptor)
{
    if (!http_connection_open(loop, descriptor)) {
        connection_forget(loop);
        close(descriptor);
    }
}

static void connection_admit(struct http_loop *loop, int descriptor)
{
    struct http_server *server = loop->server;
    counter_add(&loop->counters.connections_accepted, 1);
    unsigned open = atomic_fetch_add_explicit(&server->connections_open, 1, memory_order_relaxed);
    if (open >= server->config.limits.connections_max) {
        atomic_fetch_sub_explicit(&server->connections_open, 1, memory_order_relaxed);
        connection_refuse(loop, descriptor);
        return;
    }
    /* While the server leaves, another loop may have ended already. */
    struct http_loop *target = http_loop_is_leaving(loop) ? loop : loop_least_loaded(loop);
    atomic_fetch_add_explicit(&target->load, 1, memory_order_relaxed);
    if (target != loop && http_mailbox_put_descriptor(&target->mailbox, descriptor)) {
        return;
    }
    if (target != loop) {
        atomic_fetch_sub_explicit(&target->load, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&loop->load, 1, memory_order_relaxed);
    }
    connection_serve(loop, descriptor);
}

void http_acceptor_adopt(struct http_loop *loop, int descriptor)
{
    connection_serve(loop, descriptor);
}

static int spare_open(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_accept_timer(uv_timer_t *timer)
{
    struct http_loop *loop = timer->data;
    if (loop->spare < 0) {
        loop->spare = spare_open();
    }
    if (loop->accept_socket >= 0) {
        uv_poll_start(&loop->accept_poll, UV_READABLE, on_acceptable);
    }
}

/* Without descriptors the socket would stay readable and the loop would spin. The spare one is
 * given up to take the connection and close it, so that its client learns at once; should that
 * fail, accepting rests a while. */
static void accept_without_descriptors(struct http_loop *loop)
{
    int descriptor = -1;
    if (loop->spare >= 0) {
        close(loop->spare);
        descriptor = accept4(loop->accept_socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    if (descriptor >= 0) {
        counter_add(&loop->counters.connections_accepted, 1);
        counter_add(&loop->counters.connections_refused, 1);
        close(descriptor);
    }
    loop->spare = spare_open();
    if (descriptor < 0 || loop->spare < 0) {
        log_write(loop->server->config.logger, LOG_WARNING,
                  "no file descriptors left, new connections wait", LOG_NO_FIELDS);
        uv_poll_stop(&loop->accept_poll);
        uv_timer_start(&loop->accept_timer, on_accept_timer, ACCEPT_PAUSE_MS, 0);
    }
}

/* False when there is nothing more to take for now. */
static bool accept_one(struct http_loop *loop)
{
    int descriptor = accept4(loop->accept_socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor >= 0) {
        connection_admit(loop, descriptor);
        return true;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        accept_without_descriptors(loop);
        return false;
    case EAGAIN:
        return false;
    default:
        return true; /* that client has gone already, or its network has (accept(2)) */
    }
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct http_loop *loop = poll->data;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(loop); i++) {
    }
}

enum status http_acceptor_start(struct http_loop *loop)
{
    loop->spare = spare_open();
    loop->accept_timer.data = loop;
    loop->accept_poll.data = loop;
    return uv_poll_start(&loop->accept_poll, UV_READABLE, on_acceptable) == 0 ? STATUS_OK
                                                                              : STATUS_UNAVAILABLE;
}

/* Lets the kernel drop what would begin a connection (SYN, in byte 13 of the TCP header) and
 * nothing else: clients repeat it a second later, when the address is closed or somebody else's. */
static bool drop_beginnings(int listening_socket)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = ARRAY_LENGTH(steps), .filter = steps};
    return setsockopt(listening_socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) ==
           0;
}

/* Closing the socket resets whoever waits in its queue, with a request perhaps already sent. So the
 * queue gets no more first and is emptied then. */
void http_acceptor_take_rest(struct http_loop *loop)
{
    if (loop->accept_socket < 0 || !drop_beginnings(loop->accept_socket)) {
        return;
    }
    for (int i = 0; i < SOMAXCONN && accept_one(loop); i++) {
    }
}

void http_acceptor_stop(struct http_loop *loop)
{
    if (loop->accept_socket < 0) {
        return;
    }
    /* The watcher goes first: it would take a later descriptor of the same number for its own. */
    uv_close((uv_handle_t *)&loop->accept_poll, NULL);
    uv_timer_stop(&loop->accept_timer);
    close(loop->accept_socket);
    loop->accept_socket = -1;
    if (loop->spare >= 0) {
        close(loop->spare);
        loop->spare = -1;
    }
}
