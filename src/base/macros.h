#pragma once
/*
 * The few macros of the code base. None of them returns or jumps; CLEANUP only names the function
 * that the compiler calls when a variable leaves its scope.
 */
#include <stddef.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that embeds `member`, given a pointer to the member. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* `CLEANUP(x_free) struct x *p = NULL;` calls x_free(p) at the end of the scope; see
 * CLEANUP_FUNCTION. */
#define CLEANUP(function) __attribute__((cleanup(function##_pointer)))

/* Makes `function##_pointer`, which CLEANUP needs, out of a function that takes NULL, too. */
#define CLEANUP_FUNCTION(type, function)                                                           \
    static inline void function##_pointer(type *pointer)                                           \
    {                                                                                              \
        function(*pointer);                                                                        \
    }

/* Hands the value on and leaves NULL behind, so that CLEANUP lets it live. */
#define TAKE(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })
