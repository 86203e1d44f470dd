#pragma once
/*
 * What the transport itself refuses, each with its one problem document. Any thread.
 */
#include "interfaces/http/http_problem.h"

enum http_fault {
    HTTP_FAULT_NONE,
    HTTP_FAULT_FRAMING,        /* not HTTP/1.1 as RFC 9112 has it; a reason in words goes along */
    HTTP_FAULT_HEADER_TIMEOUT, /* the header took too long */
    HTTP_FAULT_BODY_TIMEOUT,   /* the body took too long */
    HTTP_FAULT_BODY_TOO_LARGE,
    HTTP_FAULT_BODY_TOO_SLOW, /* a body that is taken as it arrives, below the minimum rate */
    HTTP_FAULT_BODY_CODING,   /* not what Content-Encoding says */
    HTTP_FAULT_BODY_RATIO,    /* it becomes far larger by decoding */
    HTTP_FAULT_TARGET_TOO_LONG,
    HTTP_FAULT_EXPECTATION, /* Expect names something other than 100-continue */
    HTTP_FAULT_HEADER_TOO_LARGE,
    HTTP_FAULT_HEADER_TOO_MANY,
    HTTP_FAULT_BODY_MEMORY, /* all memory for bodies is in use */
    HTTP_FAULT_MEMORY,
    HTTP_FAULT_CONNECTIONS,   /* too many connections */
    HTTP_FAULT_ANSWER,        /* an answer that could not be written down */
    HTTP_FAULT_ANSWER_MEMORY, /* all memory for answers is in use */
    HTTP_FAULT_VERSION,
    HTTP_FAULT_COUNT
};

/* The problem of a fault; `reason` replaces its detail unless it is NULL. All of them close. */
struct http_problem http_fault_problem(enum http_fault fault, const char *reason);
