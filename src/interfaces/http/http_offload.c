#include "interfaces/http/http_offload.h"

#include <stdlib.h>

struct offload {
    uv_work_t request;
    struct http_loop *loop;
    struct http_ticket ticket;
    struct http_offload_task task;
};

static bool offload_reserve(struct http_server *server)
{
    unsigned before = atomic_fetch_add_explicit(&server->offloads, 1, memory_order_relaxed);
    if (before < server->config.limits.offloads_max) {
        return true;
    }
    atomic_fetch_sub_explicit(&server->offloads, 1, memory_order_relaxed);
    return false;
}

static void offload_release(struct offload *offload)
{
    struct http_loop *loop = offload->loop;
    atomic_fetch_sub_explicit(&loop->server->offloads, 1, memory_order_relaxed);
    loop->offloads_under_way--;
    free(offload);
    http_loop_finish_if_done(loop);
}

static void on_work(uv_work_t *request)
{
    struct offload *offload = request->data;
    offload->task.work(offload->task.data);
}

static void on_work_done(uv_work_t *request, int status)
{
    (void)status;
    struct offload *offload = request->data;
    struct http_exchange *exchange =
        http_exchange_table_find(&offload->loop->exchanges, &offload->ticket);
    offload->task.done(exchange, offload->task.data);
    offload_release(offload);
}

enum status http_offload_start(struct http_loop *loop, struct http_ticket ticket,
                               const struct http_offload_task *task)
{
    if (!offload_reserve(loop->server)) {
        return STATUS_BUSY;
    }
    loop->offloads_under_way++;
    struct offload *offload = malloc(sizeof *offload);
    if (offload != NULL) {
        *offload = (struct offload){.loop = loop, .ticket = ticket, .task = *task};
        offload->request.data = offload;
        if (uv_queue_work(&loop->uv, &offload->request, on_work, on_work_done) == 0) {
            return STATUS_OK;
        }
        free(offload);
    }
    atomic_fetch_sub_explicit(&loop->server->offloads, 1, memory_order_relaxed);
    loop->offloads_under_way--;
    return STATUS_NO_MEMORY;
}
