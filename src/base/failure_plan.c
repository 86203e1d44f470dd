#include "base/failure_plan.h"

#include "base/assert.h"

#include <stdbool.h>

void failure_plan_init(struct failure_plan *plan)
{
    *plan = (struct failure_plan){0};
    int failed = pthread_mutex_init(&plan->mutex, NULL);
    ASSERT(failed == 0);
}

void failure_plan_deinit(struct failure_plan *plan)
{
    pthread_mutex_destroy(&plan->mutex);
}

void failure_plan_set(struct failure_plan *plan, const struct planned_failure *failures,
                      size_t count)
{
    ASSERT(count <= FAILURE_PLAN_MAX);
    pthread_mutex_lock(&plan->mutex);
    for (size_t i = 0; i < count; i++) {
        ASSERT(failures[i].status != STATUS_OK);
        plan->failures[i] = failures[i];
        plan->seen[i] = 0;
    }
    plan->count = count;
    pthread_mutex_unlock(&plan->mutex);
}

/* Counts in every failure of its kind, so that their ranges stay in step. */
enum status failure_plan_count_call(struct failure_plan *plan, unsigned call)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&plan->mutex);
    for (size_t i = 0; i < plan->count; i++) {
        const struct planned_failure *failure = &plan->failures[i];
        if (failure->call != call) {
            continue;
        }
        uint64_t before = plan->seen[i]++;
        bool hit = before >= failure->skip && before - failure->skip < failure->times;
        status = hit && status == STATUS_OK ? failure->status : status;
    }
    pthread_mutex_unlock(&plan->mutex);
    return status;
}
