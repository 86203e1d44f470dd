#pragma once
/*
 * The signals of serve: SIGTERM and SIGINT end it, SIGHUP has it read again what can be, except
 * where the standard error is a terminal: there it says that the terminal is gone, and ends it,
 * too. Waited for by main alone. Main's thread.
 */
#include <signal.h>
#include <stdbool.h>

struct service_signals {
    sigset_t all;
    bool reloads; /* SIGHUP does not end it */
    bool hung_up; /* SIGHUP ended it */
};

/* Blocks them; threads made later inherit that. */
void service_signals_block(struct service_signals *signals);

enum service_signal { SERVICE_ENDS, SERVICE_RELOADS, SERVICE_HEARS_NOTHING };

/* Waits for the next one. */
enum service_signal service_signals_wait(struct service_signals *signals);

/* The same for at most so many milliseconds, below 1000. */
enum service_signal service_signals_wait_ms(struct service_signals *signals, unsigned ms);
