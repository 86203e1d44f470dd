#pragma once
/*
 * Every problem that the API tells of, in one table: what has no entry here cannot be answered, and
 * the document at /openapi.json is held to the table by a test. Those of the transport are in
 * interfaces/http/http_fault.c. Any thread.
 */
#include "base/status.h"
#include "interfaces/http/http_problem.h"

enum api_problem {
    API_PROBLEM_INVALID_REQUEST,
    API_PROBLEM_INVALID_PARAMETER,
    API_PROBLEM_INVALID_ACTIVITY,
    API_PROBLEM_NOTHING_ACCEPTED,
    API_PROBLEM_INVALID_USER,
    API_PROBLEM_HOST_NOT_ALLOWED,
    API_PROBLEM_ORIGIN_NOT_ALLOWED,
    API_PROBLEM_INVALID_LINK,
    API_PROBLEM_UNAUTHORIZED,
    API_PROBLEM_FORBIDDEN,
    API_PROBLEM_USER_DENIED,
    API_PROBLEM_ACTION_DENIED,
    API_PROBLEM_NOT_FOUND,
    API_PROBLEM_NO_SUCH_USER,
    API_PROBLEM_NO_SUCH_ROUTE,
    API_PROBLEM_NO_CHECKPOINTS,
    API_PROBLEM_NO_LINKS,
    API_PROBLEM_METHOD_NOT_ALLOWED,
    API_PROBLEM_DUPLICATE,
    API_PROBLEM_CANNOT_RESEND,
    API_PROBLEM_LENGTH_REQUIRED,
    API_PROBLEM_TOO_LARGE,
    API_PROBLEM_ACTIVITY_TOO_LARGE,
    API_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    API_PROBLEM_RATE_LIMITED,
    API_PROBLEM_CORRUPT,
    API_PROBLEM_BUSY,
    API_PROBLEM_UNAVAILABLE,
    API_PROBLEM_TIMED_OUT,
    API_PROBLEM_NO_MEMORY,
    API_PROBLEM_NOT_READY,
    API_PROBLEM_NOT_YET_STORED,
    API_PROBLEM_NO_SPACE,
    API_PROBLEM_COUNT
};

/* Status, type, title and the time to wait of the table; `detail` says what happened here. */
struct http_problem api_problem_make(enum api_problem which, const char *detail);

/* The one table from what a function says to what a client is told. */
struct http_problem api_problem_of(enum status status, const char *detail);
