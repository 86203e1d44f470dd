#include "interfaces/api/api_problems.h"

#include "base/assert.h"

static const struct http_problem problems[API_PROBLEM_COUNT] = {
    [API_PROBLEM_INVALID_REQUEST] = {.status = 400,
                                     .type = "invalid-request",
                                     .title = "The request is wrong"},
    [API_PROBLEM_INVALID_PARAMETER] = {.status = 400,
                                       .type = "invalid-parameter",
                                       .title = "A parameter of the query string is wrong"},
    [API_PROBLEM_INVALID_ACTIVITY] = {.status = 400,
                                      .type = "invalid-activity",
                                      .title = "The activity cannot be accepted"},
    [API_PROBLEM_NOTHING_ACCEPTED] = {.status = 400,
                                      .type = "nothing-accepted",
                                      .title = "No activity of the array can be accepted"},
    [API_PROBLEM_INVALID_USER] = {.status = 400,
                                  .type = "invalid-user",
                                  .title = "No such user can be erased"},
    [API_PROBLEM_HOST_NOT_ALLOWED] = {.status = 403,
                                      .type = "host-not-allowed",
                                      .title = "This service is not asked by this name"},
    [API_PROBLEM_ORIGIN_NOT_ALLOWED] = {.status = 403,
                                        .type = "origin-not-allowed",
                                        .title = "Pages of this origin may not send this"},
    [API_PROBLEM_NOT_FOUND] = {.status = 404,
                               .type = "not-found",
                               .title = "There is no such activity"},
    [API_PROBLEM_NO_SUCH_ROUTE] = {.status = 404,
                                   .type = "no-such-route",
                                   .title = "There is nothing at this path"},
    [API_PROBLEM_NO_CHECKPOINTS] = {.status = 404,
                                    .type = "no-checkpoints",
                                    .title = "Nobody signs checkpoints here"},
    [API_PROBLEM_METHOD_NOT_ALLOWED] = {.status = 405,
                                        .type = "method-not-allowed",
                                        .title = "This path does not answer this method"},
    [API_PROBLEM_DUPLICATE] = {.status = 409, .type = "duplicate", .title = "It is there already"},
    [API_PROBLEM_CANNOT_RESEND] = {.status = 409,
                                   .type = "cannot-resend",
                                   .title = "This refused activity cannot be sent again as it is"},
    [API_PROBLEM_LENGTH_REQUIRED] = {.status = 411,
                                     .type = "length-required",
                                     .title = "The request has no body"},
    [API_PROBLEM_TOO_LARGE] = {.status = 413, .type = "too-large", .title = "This is too large"},
    [API_PROBLEM_ACTIVITY_TOO_LARGE] = {.status = 413,
                                        .type = "activity-too-large",
                                        .title = "The activity cannot be accepted"},
    [API_PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {.status = 415,
                                            .type = "unsupported-media-type",
                                            .title = "This kind of body is not understood"},
    [API_PROBLEM_CORRUPT] = {.status = 500,
                             .type = "corrupt",
                             .title = "Stored data is damaged; an operator must look"},
    [API_PROBLEM_BUSY] = {.status = 503,
                          .type = "busy",
                          .title = "The service has more work than it takes at once",
                          .retry_after_s = 1},
    [API_PROBLEM_UNAVAILABLE] = {.status = 503,
                                 .type = "unavailable",
                                 .title = "The service cannot do this now",
                                 .retry_after_s = 5},
    [API_PROBLEM_TIMED_OUT] = {.status = 503,
                               .type = "timed-out",
                               .title = "This took longer than it may",
                               .retry_after_s = 5},
    [API_PROBLEM_NO_MEMORY] = {.status = 503,
                               .type = "no-memory",
                               .title = "The service has no memory for this now",
                               .retry_after_s = 1},
    [API_PROBLEM_NOT_READY] = {.status = 503,
                               .type = "not-ready",
                               .title = "This server should get no requests now",
                               .retry_after_s = 1},
    [API_PROBLEM_NO_SPACE] = {.status = 507,
                              .type = "no-space",
                              .title = "There is no space left for activities",
                              .retry_after_s = 30},
};

static const enum api_problem problem_of_status[STATUS_COUNT] = {
    [STATUS_INVALID] = API_PROBLEM_INVALID_REQUEST,
    [STATUS_NOT_FOUND] = API_PROBLEM_NOT_FOUND,
    [STATUS_DUPLICATE] = API_PROBLEM_DUPLICATE,
    [STATUS_TOO_LARGE] = API_PROBLEM_TOO_LARGE,
    [STATUS_BUSY] = API_PROBLEM_BUSY,
    [STATUS_UNAVAILABLE] = API_PROBLEM_UNAVAILABLE,
    [STATUS_TIMED_OUT] = API_PROBLEM_TIMED_OUT,
    [STATUS_NO_SPACE] = API_PROBLEM_NO_SPACE,
    [STATUS_CORRUPT] = API_PROBLEM_CORRUPT,
    [STATUS_NO_MEMORY] = API_PROBLEM_NO_MEMORY,
};

struct http_problem api_problem_make(enum api_problem which, const char *detail)
{
    ASSERT(which < API_PROBLEM_COUNT);
    struct http_problem problem = problems[which];
    problem.detail = detail;
    return problem;
}

struct http_problem api_problem_of(enum status status, const char *detail)
{
    ASSERT(status != STATUS_OK && status < STATUS_COUNT);
    return api_problem_make(problem_of_status[status], detail);
}
