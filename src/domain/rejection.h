#pragma once
/*
 * Why an activity is rejected: which member (as a JSON pointer, RFC 6901) and what to change. Lives
 * on the stack of whoever answers. One thread at a time.
 */
#include "base/macros.h"
#include "base/str.h"

#include <stddef.h>

enum {
    REJECTION_FAULTS_MAX = 8, /* more faults than this are not told; the first ones help already */
    REJECTION_POINTER_BYTES = 128,
    REJECTION_DETAIL_BYTES = 192
};

struct rejection_fault {
    char pointer[REJECTION_POINTER_BYTES]; /* "" is the whole activity */
    char detail[REJECTION_DETAIL_BYTES];
};

/* Of what kind it is: a client tells what it got wrong from what it may not do. */
enum rejection_kind { REJECTION_INVALID, REJECTION_USER_DENIED, REJECTION_ACTION_DENIED };

struct rejection {
    enum rejection_kind kind;
    struct rejection_fault faults[REJECTION_FAULTS_MAX];
    size_t count;
};

static inline void rejection_init(struct rejection *rejection)
{
    rejection->kind = REJECTION_INVALID;
    rejection->count = 0;
}

/* Adds a fault of the member at `pointer`, a JSON pointer that ends with NUL. Texts that are too
 * long are cut at a character's border. */
PRINTF_LIKE(3, 4)
void rejection_add(struct rejection *rejection, const char *pointer, const char *format, ...);

/* Appends "/" and the member, escaped as a pointer wants it, to a pointer that ends with NUL; what
 * does not fit is cut. */
void rejection_pointer_append(char pointer[REJECTION_POINTER_BYTES], struct str member);

/* rejection_add for a member that input named: it is escaped as a pointer wants it. `parent` is a
 * pointer already. */
PRINTF_LIKE(4, 5)
void rejection_add_member(struct rejection *rejection, const char *parent, struct str member,
                          const char *format, ...);
