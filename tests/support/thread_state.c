#include "support/thread_state.h"

#include "base/assert.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int thread_number(void)
{
    return (int)syscall(SYS_gettid);
}

/* The state is the letter behind the name in parentheses, see proc_pid_stat(5). */
void thread_wait_until_asleep(int number)
{
    char path[64];
    char text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", number);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    for (;;) {
        ssize_t len = pread(file, text, sizeof text - 1, 0);
        if (len <= 0) {
            break;
        }
        text[len] = '\0';
        const char *name_end = strrchr(text, ')');
        ASSERT(name_end != NULL && name_end + 2 < text + len);
        if (name_end[2] == 'S') {
            break;
        }
        sched_yield();
    }
    close(file);
}
