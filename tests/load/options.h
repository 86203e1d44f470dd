// The command line of both commands, parsed and checked. Ends the program with words when it is
// wrong. Called once, before any thread.
#pragma once

#include "header_fields.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Where the service is. Only IPv4 addresses and localhost: this client is for loopback.
struct service_address {
    struct sockaddr_in address;
    char host[64]; // for the Host header, with the port
};

struct run_options {
    struct service_address service;
    const char *path;
    struct header_fields fields;
    struct header_field_sets field_sets;
    const char *ledger_path;
    const char *json_path;
    uint32_t connections;
    double rate_per_s; // requests; 0 = closed loop
    uint32_t batch;    // activities in an array; 0 = single objects
    uint32_t users;
    uint64_t count;      // activities; 0 = no limit
    double duration_s;   // 0 = no limit
    double history_days; // over which the activities are spread; 0 = they happen now
    size_t activity_bytes;
    uint64_t seed;
    double reconnect_s; // keep trying for so long after a connection broke; 0 = stop there
    double timeout_s;   // of one answer
    bool server_ids;
    bool evenly;
    bool ordered;
    bool quiet;
};

struct check_options {
    struct service_address service;
    const char *path;
    struct header_fields fields;
    const char *ledger_path;
    const char *json_path;
    double wait_s;
    bool by_user;
    bool expect_loss;
};

// argv[1] is the command and was looked at by the caller.
void options_parse_run(int argc, char **argv, struct run_options *out_options);
void options_parse_check(int argc, char **argv, struct check_options *out_options);
_Noreturn void options_print_help(void);
