#pragma once
/*
 * ASSERT states what must hold unless the program itself is wrong. It is on in release builds: with
 * data that may not be lost, stopping at once is better than going on with a broken invariant.
 * Input from outside is never asserted, it is answered. Any thread.
 */

#define ASSERT(condition)                                                                          \
    ((condition) ? (void)0 : assert_failed(#condition, __FILE__, __LINE__, __func__))

/* Writes one line to stderr and aborts. */
_Noreturn void assert_failed(const char *condition, const char *file, int line,
                             const char *function);
