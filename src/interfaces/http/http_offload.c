#include "interfaces/http/http_offload.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdlib.h>

/* As libuv reads it: UV_THREADPOOL_SIZE, by default 4, 1 to 1024. */
enum { POOL_THREADS_DEFAULT = 4, POOL_THREADS_MAX = 1024 };

struct offload {
    uv_work_t request;
    struct http_loop *loop;
    struct http_ticket ticket;
    struct http_offload_task task;
};

static unsigned pool_threads(void)
{
    const char *text = getenv("UV_THREADPOOL_SIZE");
    unsigned long long threads;
    if (text == NULL || !str_parse_u64(str_from(text), POOL_THREADS_MAX, &threads)) {
        return POOL_THREADS_DEFAULT;
    }
    return threads < 1 ? 1 : (unsigned)threads;
}

static void *wait_for_end(void *context)
{
    pthread_rwlock_t *ended = context;
    pthread_rwlock_rdlock(ended);
    pthread_rwlock_unlock(ended);
    return NULL;
}

/* Makes as many threads as the pool will have, all at once, and ends them again. */
static enum status try_threads(unsigned count, struct error *err)
{
    pthread_t threads[POOL_THREADS_MAX];
    pthread_rwlock_t ended;
    int failed = pthread_rwlock_init(&ended, NULL);
    ASSERT(failed == 0);
    pthread_rwlock_wrlock(&ended);
    unsigned made = 0;
    while (made < count &&
           (failed = pthread_create(&threads[made], NULL, wait_for_end, &ended)) == 0) {
        made++;
    }
    pthread_rwlock_unlock(&ended);
    for (unsigned i = 0; i < made; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_rwlock_destroy(&ended);
    if (made == count) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_UNAVAILABLE, failed,
                     "the system gives no %u threads for questions; allow more (ulimit -u, "
                     "TasksMax=) or set UV_THREADPOOL_SIZE",
                     count);
}

static void do_nothing(uv_work_t *request)
{
    (void)request;
}

static void on_warm(uv_work_t *request, int status)
{
    (void)status;
    free(request);
}

enum status http_offload_warm_up(struct http_loop *loop, struct error *err)
{
    enum status status = try_threads(pool_threads(), err);
    if (status != STATUS_OK) {
        return status;
    }
    uv_work_t *request = calloc(1, sizeof *request);
    if (request == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to start the server");
    }
    int result = uv_queue_work(&loop->uv, request, do_nothing, on_warm);
    ASSERT(result == 0);
    return STATUS_OK;
}

static bool offload_reserve(struct http_server *server, bool further)
{
    unsigned before = atomic_fetch_add_explicit(&server->offloads, 1, memory_order_relaxed);
    if (further || before < server->config.limits.offloads_max) {
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
    if (!offload_reserve(loop->server, task->further)) {
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
