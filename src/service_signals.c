#include "service_signals.h"

#include "base/clock.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* A signal that is ignored, as below nohup, never comes; one that only reloads may always come.
 * Writing beyond a limit of the file's size, and to who left, is told by the write. */
void service_signals_block(struct service_signals *signals)
{
    *signals = (struct service_signals){.reloads = isatty(STDERR_FILENO) == 0};
    if (signals->reloads) {
        signal(SIGHUP, SIG_DFL);
    }
    sigemptyset(&signals->all);
    sigaddset(&signals->all, SIGTERM);
    sigaddset(&signals->all, SIGINT);
    sigaddset(&signals->all, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals->all, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static enum service_signal meaning_of(struct service_signals *signals, int number)
{
    if (number == SIGHUP && signals->reloads) {
        return SERVICE_RELOADS;
    }
    signals->hung_up = signals->hung_up || number == SIGHUP;
    return SERVICE_ENDS;
}

enum service_signal service_signals_wait(struct service_signals *signals)
{
    int number = SIGTERM;
    sigwait(&signals->all, &number);
    return meaning_of(signals, number);
}

enum service_signal service_signals_wait_ms(struct service_signals *signals, unsigned ms)
{
    struct timespec wait = {.tv_nsec = (long)ms * (long)NANOSECONDS_PER_MILLISECOND};
    int number = sigtimedwait(&signals->all, NULL, &wait);
    return number < 0 ? SERVICE_HEARS_NOTHING : meaning_of(signals, number);
}
