#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *condition, const char *file, int line,
                             const char *function)
{
    fprintf(stderr,
            "usertrail: broken invariant: %s in %s (%s:%d). This is a defect of the program; it "
            "stops so that no data is harmed.\n",
            condition, function, file, line);
    abort();
}
