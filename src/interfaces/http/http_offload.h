#pragma once
/*
 * Work that would block a loop, on libuv's thread pool; bounded over all loops. Loop thread only.
 */
#include "interfaces/http/http_loop.h"

struct http_offload_task {
    http_work_function *work;
    http_work_done_function *done;
    void *data;
    bool further; /* of an exchange that was let in already */
};

/* Starts the pool's threads, which libuv otherwise does with the first work and then ends the
 * process when it cannot. Before the loop runs. UNAVAILABLE when the system gives no threads. */
MUST_USE enum status http_offload_warm_up(struct http_loop *loop, struct error *err);

/* BUSY: too many are under way; NO_MEMORY. On failure `done` is not called. */
MUST_USE enum status http_offload_start(struct http_loop *loop, struct http_ticket ticket,
                                        const struct http_offload_task *task);
