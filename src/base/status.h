#pragma once
/*
 * What a fallible function says to its caller, named by what the caller must do, not by what
 * happened below. Reasons travel beside it in struct error (error.h). Any thread.
 */

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,     /* the input is wrong: do not repeat it unchanged */
    STATUS_NOT_FOUND,   /* there is no such thing */
    STATUS_DUPLICATE,   /* it is there already */
    STATUS_TOO_LARGE,   /* beyond a named limit: send less */
    STATUS_BUSY,        /* a queue is full: come back later */
    STATUS_UNAVAILABLE, /* something this depends on is down: come back later */
    STATUS_TIMED_OUT, /* a deadline passed: the outcome is unknown unless the function says more */
    STATUS_NO_SPACE,  /* the disk or a configured size is full: free some or raise it */
    STATUS_CORRUPT,   /* data is not what was written: stop, a person must look */
    STATUS_NO_MEMORY, /* memory or a memory limit is used up: shed load */
    STATUS_COUNT
};

/* The name in lower case with hyphens, for logs and messages: "no-space". Static, never NULL. */
const char *status_name(enum status status);
