#pragma once
/*
 * Everything that can be configured, from one table (settings_table.c) that drives parsing and
 * checking, the help and CONFIGURATION.md. A later source overrides an earlier one: defaults, file,
 * environment, flags. One thread at a time.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SETTINGS_TEXT_BYTES = 1024, SETTINGS_FAULT_BYTES = ERROR_MESSAGE_BYTES };

enum settings_role { ROLE_ALL, ROLE_API, ROLE_WORKER };
enum settings_event_log { EVENT_LOG_LOCAL, EVENT_LOG_KAFKA, EVENT_LOG_MEMORY };
enum settings_store { STORE_LOCAL, STORE_MONGODB, STORE_MEMORY };

struct settings_address {
    char host[64]; /* numeric, without brackets */
    uint16_t port;
    bool loopback;
};

/* What is handed to a driver as it is: `kafka.sasl.username` is the property sasl.username of
 * librdkafka. */
struct settings_property {
    char *name; /* without the prefix */
    char *value;
};

struct settings_properties {
    struct settings_property *items; /* each name once, in the order they were first given */
    size_t count;
};

/* Sizes in bytes, times in milliseconds. */
struct settings {
    struct settings_address listen;
    char data_dir[SETTINGS_TEXT_BYTES];
    uint64_t role;      /* enum settings_role */
    uint64_t event_log; /* enum settings_event_log */
    uint64_t store;     /* enum settings_store */
    uint64_t threads;   /* 0: as many as there are CPUs for this process */
    bool allow_anonymous;
    bool trace_ports;
    uint64_t log_level;  /* enum log_level */
    uint64_t log_format; /* enum settings_log_format */

    uint64_t log_bytes;
    uint64_t log_segment_bytes;
    uint64_t log_queue_bytes;
    uint64_t store_memory_bytes;
    uint64_t retention_days;  /* 0: for ever */
    uint64_t retention_bytes; /* 0: no limit */
    uint64_t refused_bytes;
    char checkpoint_key_file[SETTINGS_TEXT_BYTES]; /* empty: none */
    char checkpoint_name[SETTINGS_TEXT_BYTES];

    char kafka_brokers[SETTINGS_TEXT_BYTES]; /* host:port, separated by commas */
    char kafka_topic[SETTINGS_TEXT_BYTES];
    char kafka_group[SETTINGS_TEXT_BYTES];
    char kafka_instance_id[SETTINGS_TEXT_BYTES]; /* empty: none */
    uint64_t kafka_partitions;  /* of a topic that is made; 0: as the broker says */
    uint64_t kafka_replication; /* likewise */
    struct settings_properties kafka_properties;
    uint64_t spill_bytes; /* 0: no spill */
    char mongodb_uri[SETTINGS_TEXT_BYTES];
    uint64_t mongodb_sessions;
    uint64_t connect_timeout_ms;

    uint64_t user_id_length;
    uint64_t action_length;
    uint64_t metadata_bytes;
    uint64_t metadata_depth;
    uint64_t timestamp_ahead_ms;
    uint64_t activity_bytes;
    uint64_t batch_bytes;
    uint64_t batch_activities;

    uint64_t page_bytes;
    uint64_t query_timeout_ms;
    uint64_t queries;
    uint64_t listeners;
    uint64_t heartbeat_ms;

    char keys_file[SETTINGS_TEXT_BYTES];          /* empty: nobody needs a key */
    char deny_file[SETTINGS_TEXT_BYTES];          /* empty: none */
    char viewer_secret_file[SETTINGS_TEXT_BYTES]; /* empty: one in the data folder */
    uint64_t limit_key_rate;                      /* a second; 0: no limit */
    uint64_t limit_key_burst;                     /* 0: that of a second */
    uint64_t limit_address_rate;                  /* likewise */
    uint64_t limit_address_burst;
    char trusted_proxies[SETTINGS_TEXT_BYTES]; /* addresses and networks with commas; empty: none */

    char cors_origins[SETTINGS_TEXT_BYTES];  /* separated by commas; empty: none */
    char tls_cert_file[SETTINGS_TEXT_BYTES]; /* empty: no TLS; both or none */
    char tls_key_file[SETTINGS_TEXT_BYTES];
    uint64_t connections;
    uint64_t header_bytes;
    uint64_t target_bytes;
    uint64_t body_memory_bytes;
    uint64_t answer_memory_bytes;
    uint64_t header_timeout_ms;
    uint64_t body_timeout_ms;
    uint64_t body_rate_bytes; /* a second */
    uint64_t body_ratio;
    uint64_t idle_timeout_ms;
    uint64_t write_timeout_ms;
    uint64_t shutdown_delay_ms;
    uint64_t drain_timeout_ms;

    /* Traces, as OpenTelemetry names what is set; empty texts: not set. Platforms inject these
     * variables for whoever runs there, so a value that cannot be meant is told here, the first one
     * of them, and is a fault only where spans are wanted. */
    char otel_fault[SETTINGS_FAULT_BYTES];
    bool otel_sdk_disabled;
    uint64_t otel_traces_exporter; /* enum settings_traces_exporter */
    char otel_endpoint[SETTINGS_TEXT_BYTES];
    char otel_traces_endpoint[SETTINGS_TEXT_BYTES]; /* this and the like count before the others */
    char otel_headers[SETTINGS_TEXT_BYTES];
    char otel_traces_headers[SETTINGS_TEXT_BYTES];
    char otel_certificate[SETTINGS_TEXT_BYTES];
    char otel_traces_certificate[SETTINGS_TEXT_BYTES];
    uint64_t otel_protocol; /* there is one */
    uint64_t otel_traces_protocol;
    uint64_t otel_compression;        /* enum settings_compression */
    uint64_t otel_traces_compression; /* likewise */
    uint64_t otel_timeout_ms;
    uint64_t otel_traces_timeout_ms; /* 0: as the other */
    char otel_service_name[SETTINGS_TEXT_BYTES];
    char otel_resource_attributes[SETTINGS_TEXT_BYTES];
    uint64_t otel_traces_sampler; /* enum settings_sampler */
    char otel_traces_sampler_arg[SETTINGS_TEXT_BYTES];
    uint64_t otel_schedule_delay_ms;
    uint64_t otel_export_timeout_ms;
    uint64_t otel_queue_spans;
    uint64_t otel_batch_spans;
};

enum settings_traces_exporter { TRACES_EXPORTER_OTLP, TRACES_EXPORTER_NONE };
enum settings_compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_UNSET };
enum settings_sampler {
    SAMPLER_PARENT_ALL,
    SAMPLER_PARENT_NONE,
    SAMPLER_PARENT_RATIO,
    SAMPLER_ALL,
    SAMPLER_NONE,
    SAMPLER_RATIO
};

enum settings_log_format { SETTINGS_LOG_AUTO, SETTINGS_LOG_TEXT, SETTINGS_LOG_JSON };

struct settings_sources {
    int argument_count; /* flags behind the command's name */
    char *const *arguments;
    char *const *environment; /* as environ */
};

/* Reads all sources into `out_settings`, which settings_deinit gives back. What is odd but no
 * reason to stop (an unknown USERTRAIL_* variable) goes to `warnings`, a line each. INVALID: `err`
 * says which value of which source is wrong and what it may be; of a variable OTEL_* otel_fault
 * says it instead. */
MUST_USE enum status settings_read(const struct settings_sources *sources,
                                   struct settings *out_settings, FILE *warnings,
                                   struct error *err);

/* What --event-log and --store were chosen, in the words of the table. Static. */
const char *settings_event_log_name(const struct settings *settings);
const char *settings_store_name(const struct settings *settings);

/* Takes over into `settings` the values that SIGHUP reads again (settings_table.h), no others. */
void settings_take_again(struct settings *settings, const struct settings *read);

/* Takes zeros, too. */
void settings_deinit(struct settings *settings);

/* The flags with their defaults and meanings, for --help. */
void settings_print_help(FILE *out);

/* The same as CONFIGURATION.md. */
void settings_print_markdown(FILE *out);

/* CPUs that this process may use: its affinity mask and the quota of its cgroup (v2) or of one
 * above it, rounded up, at least 1. */
unsigned settings_cpu_count(void);

/* The CPUs of a cpu.max: "150000 100000" are microseconds of each period, so 2. 0: no quota, as
 * "max 100000". */
unsigned settings_cpu_quota(const char *text);
