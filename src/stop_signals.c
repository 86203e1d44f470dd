#include "stop_signals.h"

#include "base/macros.h"

#include <pthread.h>
#include <signal.h>

enum { COUNT_MAX = 2 };

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t count;

static void count_signal(int number)
{
    (void)number;
    count = count < COUNT_MAX ? count + 1 : COUNT_MAX;
}

unsigned stop_signals_count(void)
{
    return (unsigned)count;
}

/* What whoever started this has it ignore stays ignored, as a terminal that goes is under nohup. */
void stop_signals_catch(void)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        sigaddset(&set, signals[i]);
    }
    pthread_sigmask(how, &set, NULL);
}

void stop_signals_block(void)
{
    mask(SIG_BLOCK);
}

void stop_signals_unblock(void)
{
    mask(SIG_UNBLOCK);
}
