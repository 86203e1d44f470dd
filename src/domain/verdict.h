#pragma once
/*
 * What a store says of a row that was put.
 */

enum verdict {
    VERDICT_STORED,
    VERDICT_DUPLICATE,   /* the id is there with the same content */
    VERDICT_CONFLICT,    /* the id is there with other content; the first one stays */
    VERDICT_REDELIVERED, /* this very position had its verdict before: nothing is counted again */
    VERDICT_ERASED,      /* its user was erased after it was received: dropped */
    VERDICT_REFUSED,     /* this store will never take it: not stored, to be kept as refused */
    VERDICT_COUNT
};
