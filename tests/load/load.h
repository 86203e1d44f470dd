// One run of the load client: its parts and its figures, shared by the files load_*.c.
//
// load_run.c turns the wheel (who sends when), load_request.c makes requests and notes them as
// sent, load_outcome.c judges answers and notes them, load_report.c prints. All in one thread; only
// the ledger has a second one, for fdatasync.
#pragma once

#include "connection.h"
#include "generator.h"
#include "histogram.h"
#include "ledger.h"
#include "options.h"

struct load_figures {
    uint64_t requests_sent;
    uint64_t requests_answered;
    uint64_t sent; // activities, as are the next four; sent = their sum in the end
    uint64_t acknowledged;
    uint64_t rejected; // answered 4xx, or as an error in a batch
    uint64_t refused;  // answered with any other status that is not 202
    uint64_t unknown;  // never answered
    uint64_t body_bytes;
    uint64_t connections_broken;
    uint64_t timeouts;
    uint64_t wrong_answers;    // 202 answers that do not fit what was sent
    uint64_t planned_not_sent; // requests whose planned time passed before the run's end
    uint64_t statuses[600];
    int64_t started_ns;
    int64_t ended_ns;
    struct histogram latency; // nanoseconds, of all answered requests
};

struct load {
    const struct run_options *options;
    struct generator *generator;
    struct ledger *ledger; // NULL without --ledger
    struct ledger_run run;
    char nonce[NAME_NONCE_LEN + 1];
    int epoll;
    struct connection *connections;
    uint32_t *idle; // a stack of numbers of connections in the state IDLE
    uint32_t idle_count;
    uint32_t *ready; // connections in the state READY, in order
    uint32_t ready_count;
    uint32_t waiting_count;
    uint32_t ended_count;
    uint64_t next_sequence;
    uint64_t next_request;
    int64_t last_alive_ns;   // when the service last took a connection or answered
    int64_t last_look_ns;    // when the connections' times were last looked at
    bool stopping;           // no new requests
    bool gave_up;            // the service stayed away
    unsigned char *answered; // of each activity in a batch, while its answer is read
    struct load_figures figures;
};

// Runs until the end and returns the program's exit code.
int load_run(const struct run_options *options);

// Makes the next request for an idle connection and notes it as sent.
void load_request_prepare(struct load *load, struct connection *connection);

// Judges a complete answer; notes every activity of the request.
void load_outcome_take(struct load *load, const struct connection *connection,
                       const struct http_response *response);

// Notes every activity of the request as of unknown outcome.
void load_outcome_lost(struct load *load, const struct connection *connection);

void load_report_progress(const struct load *load, int64_t now_ns);
void load_report_end(const struct load *load);
