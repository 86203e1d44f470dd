/*
 * The composition root: with the files beside it the only place that may name every layer.
 * Reads the settings, plugs the use cases into the server, and hands the commands what they work
 * on.
 */
#include "backup_access.h"
#include "forward_access.h"
#include "import_access.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_local/store_verify.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_local/log_check.h"
#include "infrastructure/event_log_local/log_end.h"
#include "infrastructure/http_client/http_client.h"
#include "infrastructure/mongodb_client/shared_counters.h"
#include "interfaces/api/api_origin.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/health_command.h"
#include "interfaces/cli/lookup_commands.h"
#include "interfaces/cli/server_commands.h"
#include "interfaces/cli/terminal.h"
#include "keys_access.h"
#include "replay_access.h"
#include "server_access.h"
#include "service.h"
#include "service_parts.h"
#include "service_reload.h"
#include "service_signals.h"
#include "service_tls.h"
#include "usertrail_version.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Pool threads that answer questions; few, since a question is mostly computing. */
#define POOL_THREADS_MIN 4u

/* Descriptors beside those of connections: segments, listeners, wake-ups, standard streams. */
#define DESCRIPTORS_RESERVED 256u

/* --- what is refused before anything is touched --- */

static enum status check_exposure(const struct settings *settings, struct error *err)
{
    bool has_keys = settings->keys_file[0] != '\0';
    if (settings->listen.loopback || settings->allow_anonymous || has_keys) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--listen %s is reachable from other machines and no API key is configured: "
                     "use --keys-file, or --allow-anonymous if all may read, write and erase",
                     settings->listen.host);
}

static enum status check_origins(const struct settings *settings, struct error *err)
{
    struct error why;
    if (api_origin_check_list(str_from(settings->cors_origins), &why) == STATUS_OK) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0, "--cors-origins: %s", why.message);
}

static enum status check_settings(const struct settings *settings, struct error *err)
{
    enum status status = service_check_settings(settings, err);
    status = status == STATUS_OK ? service_check_traces(settings, err) : status;
    status = status == STATUS_OK ? check_exposure(settings, err) : status;
    status = status == STATUS_OK ? check_origins(settings, err) : status;
    return status == STATUS_OK ? service_check_access(settings, err) : status;
}

/* --- the machine --- */

static void fit_connections(struct service *service)
{
    uint64_t limit = service_raise_descriptor_limit();
    if (limit == 0) {
        return;
    }
    uint64_t room = limit > DESCRIPTORS_RESERVED ? limit - DESCRIPTORS_RESERVED : 1;
    if (service->settings.connections > room) {
        log_write(&service->logger, LOG_WARNING,
                  "the limit of open files allows fewer connections than configured; raise it "
                  "(ulimit -n, LimitNOFILE=)",
                  LOG_FIELDS(log_number("configured", (int64_t)service->settings.connections),
                             log_number("allowed", (int64_t)room)));
        service->settings.connections = room;
    }
}

/* A program that is started with a standard stream closed would get its number for the next file it
 * opens, and lines for people would then be written into a segment of the log. */
static bool open_standard_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) != stream) {
            return false;
        }
    }
    return true;
}

static void init_logger(struct service *service)
{
    const struct settings *settings = &service->settings;
    bool text = settings->log_format == SETTINGS_LOG_TEXT ||
                (settings->log_format == SETTINGS_LOG_AUTO && isatty(STDERR_FILENO) != 0);
    service->logger = (struct logger){
        .clock = &clock_system,
        .descriptor = STDERR_FILENO,
        .format = text ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON,
        .colours = text && terminal_has_colours(STDERR_FILENO),
        .level = (enum log_level)settings->log_level,
    };
}

static void init_threads(struct service *service)
{
    if (service->settings.threads == 0) {
        service->settings.threads = settings_cpu_count();
    }
    char count[24];
    unsigned long long threads = service->settings.threads > POOL_THREADS_MIN
                                     ? (unsigned long long)service->settings.threads
                                     : POOL_THREADS_MIN;
    snprintf(count, sizeof count, "%llu", threads);
    setenv("UV_THREADPOOL_SIZE", count, 0); /* before libuv's first use; the user's own wins */
}

/* --- the ways in --- */

static enum status make_live_tail(struct service *service, struct error *err)
{
    if (service->settings.role == ROLE_WORKER) {
        return STATUS_OK;
    }
    return live_tail_new(
        &(struct live_tail_config){
            .source = service->tails,
            .erasures = service->erasures,
            .clock = &clock_system,
            .logger = &service->logger,
            .listeners_max = service->settings.listeners,
            .heartbeat_ms = (unsigned)service->settings.heartbeat_ms,
        },
        &service->live, err);
}

static enum status make_api(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    const struct content_hash *hashes;
    bool signs = service->signer.key != NULL;
    enum status status = service_make_hashes(service, &hashes, err);
    service_init_metrics(service);
    if (status == STATUS_OK && signs) {
        status = receipt_signature_init(&service->receipts, service->signer.key,
                                        service->signer.name, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return api_new(
        &(struct api_config){
            .recorder = &service->recorder,
            .finder = &service->finder,
            .counter = &service->counter,
            .waits = service->waits,
            .summarizer = &service->summarizer,
            .tag_hash = &service_any_thread_hash,
            .eraser = &service->eraser,
            .refusals = &service->lister,
            .live = service->live,
            .resender = &service->resender,
            .accounting = &service->accounting,
            .checkpoints = signs && service->local_store != NULL ? &service->checkpoints : NULL,
            .receipts = signs ? &service->receipts.signer : NULL,
            .log = service->log,
            .store = service->store,
            .worker = service->worker,
            .metrics = &service->metrics,
            .tracer = service_tracer(service),
            .carries_traces = settings->event_log == EVENT_LOG_KAFKA,
            .access = service_access_config(&service->access),
            .reloads = &service->reloads,
            .probes_only = service->settings.role == ROLE_WORKER,
            .any_host = settings->allow_anonymous || service->access.ring != NULL,
            .cors_origins = str_from(settings->cors_origins),
            .rules = &service->rules,
            .clock = &clock_system,
            .random = &random_system,
            .logger = &service->logger,
            .hashes = hashes,
            .version = USERTRAIL_VERSION,
            .activity_bytes_max = settings->activity_bytes,
            .batch_bytes_max = settings->batch_bytes,
            .batch_activities_max = settings->batch_activities,
            .loops = (unsigned)settings->threads,
        },
        &service->api, err);
}

static enum status make_server(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    struct http_server_config config = {
        .host = settings->listen.host,
        .port = settings->listen.port,
        .loops = (unsigned)settings->threads,
        .limits = http_limits_default,
        .tls = service->tls,
        .handler = api_handler(service->api),
        .clock = &clock_system,
        .logger = &service->logger,
    };
    config.limits.connections_max = (unsigned)settings->connections;
    config.limits.header_bytes_max = settings->header_bytes;
    config.limits.target_bytes_max = settings->target_bytes;
    config.limits.body_memory_bytes_max = settings->body_memory_bytes;
    config.limits.answer_memory_bytes_max = settings->answer_memory_bytes;
    config.limits.offloads_max = (unsigned)settings->queries;
    config.limits.header_timeout_ms = (unsigned)settings->header_timeout_ms;
    config.limits.body_timeout_ms = (unsigned)settings->body_timeout_ms;
    config.limits.body_rate_min = (unsigned)settings->body_rate_bytes;
    config.limits.body_ratio_max = (unsigned)settings->body_ratio;
    config.limits.idle_timeout_ms = (unsigned)settings->idle_timeout_ms;
    config.limits.write_timeout_ms = (unsigned)settings->write_timeout_ms;
    enum status status = http_server_new(&config, &service->server, err);
    if (status == STATUS_OK) {
        api_set_server(service->api, service->server);
    }
    return status;
}

/* --- life --- */

enum { ADDRESS_TEXT_BYTES = 96, CAUGHT_UP_LOOK_MS = 2 };

/* As in a URL; the port is the real one, also when any was asked for. */
static void format_address(const struct service *service, const char *scheme,
                           char out_text[ADDRESS_TEXT_BYTES])
{
    const char *host = service->settings.listen.host;
    bool six = strchr(host, ':') != NULL;
    snprintf(out_text, ADDRESS_TEXT_BYTES, "%s%s%s%s:%u", scheme, six ? "[" : "", host,
             six ? "]" : "", http_server_port(service->server));
}

/* Commands that write to this folder later find the server by what stands in the lock. On a full
 * disk they will not, which is no reason to keep what can be read from its readers. */
static void publish_address(struct service *service)
{
    char address[ADDRESS_TEXT_BYTES];
    struct error err;
    if (service->local_log == NULL) {
        return;
    }
    format_address(service, service->tls == NULL ? "" : "https://", address);
    if (event_log_local_write_address(service->local_log, str_from(address), &err) != STATUS_OK) {
        log_error(&service->logger, "the address could not be written into the lock", &err);
    }
}

static void announce(struct service *service)
{
    char address[ADDRESS_TEXT_BYTES];
    format_address(service, service->tls == NULL ? "http://" : "https://", address);
    char message[ADDRESS_TEXT_BYTES + 16];
    snprintf(message, sizeof message, "ready on %s", address);
    /* Whoever started the program waits for this line, whatever else shall be said. */
    struct logger logger = service->logger;
    logger.level = LOG_INFO;
    log_write(&logger, LOG_INFO, message, LOG_NO_FIELDS);
    snprintf(service->status, sizeof service->status, "%s", message);
    service_manager_tell_ready(&service->manager, service->status);
}

/* Until the store holds everything that the log held, /readyz says 503. False when it will not. */
static bool wait_until_caught_up(struct service *service, struct service_signals *signals)
{
    struct store_activities_state state;
    enum service_signal heard = SERVICE_HEARS_NOTHING;
    if (service->settings.role != ROLE_ALL) {
        return true; /* others fill the store, or nobody asks here */
    }
    while (heard != SERVICE_ENDS) {
        if (heard == SERVICE_RELOADS) {
            service_reload(service, false);
        }
        store_activities_describe(service->worker, &state);
        if (state.caught_up || state.condition == WORKER_FAILED) {
            return state.caught_up;
        }
        heard = service_signals_wait_ms(signals, CAUGHT_UP_LOOK_MS);
    }
    kill(getpid(), SIGTERM); /* the signal was taken here; the caller waits for one */
    return false;
}

/* In the data folder, unless the settings say where. Workers answer probes only. */
static enum status open_links(struct service *service, struct error *err)
{
    char secret[DISK_PATH_BYTES_MAX];
    if (service->access.ring == NULL || service->settings.role == ROLE_WORKER) {
        return STATUS_OK;
    }
    enum status status = service_make_adapter_dir(service, "viewer-secret", secret, err);
    return status == STATUS_OK
               ? service_open_links(&service->access, &service->settings, secret, err)
               : status;
}

static enum status start(struct service *service, struct error *err)
{
    enum status status = service_open_access(&service->access, &service->settings, err);
    status = status == STATUS_OK ? service_open_traces(service, err) : status;
    status = status == STATUS_OK ? service_open(service, err) : status;
    status = status == STATUS_OK ? open_links(service, err) : status;
    status = status == STATUS_OK ? make_live_tail(service, err) : status;
    status = status == STATUS_OK ? make_api(service, err) : status;
    status = status == STATUS_OK ? make_server(service, err) : status;
    if (status == STATUS_OK && service->waits != NULL) {
        status = await_stored_start(service->waits, err);
    }
    status = status == STATUS_OK ? service_start_worker(service, err) : status;
    return status == STATUS_OK ? http_server_start(service->server, err) : status;
}

static void shut_down(struct service *service)
{
    service_manager_tell_stopping(&service->manager, "ending what is under way");
    api_begin_drain(service->api);
    http_server_leave(service->server);
    log_write(&service->logger, LOG_INFO, "shutting down", LOG_NO_FIELDS);
    uint64_t delay_ms = service->settings.shutdown_delay_ms;
    struct timespec delay = {.tv_sec = (time_t)(delay_ms / 1000),
                             .tv_nsec = (long)(delay_ms % 1000) * 1000000};
    nanosleep(&delay, NULL);
    http_server_stop(service->server, (unsigned)service->settings.drain_timeout_ms);
}

static int serve_until_signal(struct service *service, struct service_signals *signals)
{
    publish_address(service);
    service_manager_tell_starting(&service->manager, "filling the store from the event log");
    bool ready = wait_until_caught_up(service, signals);
    if (ready) {
        announce(service);
    }
    while (service_signals_wait(signals) == SERVICE_RELOADS) {
        service_reload(service, ready);
    }
    if (signals->hung_up) {
        log_write(&service->logger, LOG_INFO,
                  "SIGHUP ends a service whose standard error is a terminal; elsewhere it reloads",
                  LOG_NO_FIELDS);
    }
    shut_down(service);
    service_stop_worker(service);
    if (service->worker_status != STATUS_OK) {
        log_error(&service->logger,
                  "not all is durable in the store; it stays in the event log and comes from there "
                  "at the next start",
                  &service->worker_err);
        if (!store_activities_may_pass(service->worker_status)) {
            return EXIT_FAILED;
        }
    }
    log_write(&service->logger, LOG_INFO, "stopped", LOG_NO_FIELDS);
    return EXIT_FINE;
}

/* One that cannot be reached is no reason not to serve. */
static void open_manager(struct service *service)
{
    const char *address = getenv("NOTIFY_SOCKET");
    bool told = service_manager_open(&service->manager, address, &clock_system);
    if (!told && address != NULL) {
        log_write(&service->logger, LOG_WARNING, "the service manager cannot be told anything",
                  LOG_FIELDS(log_text("socket", str_from(address))));
    }
}

/* EXIT_FINE, or EXIT_USAGE after saying what is wrong. */
static int read_settings(int argument_count, char **arguments, struct service *service)
{
    struct error err;
    struct settings *settings = &service->settings;
    service->sources = (struct settings_sources){argument_count, arguments, environ};
    enum status status = settings_read(&service->sources, settings, stderr, &err);
    status = status == STATUS_OK ? check_settings(settings, &err) : status;
    status = status == STATUS_OK ? service_check_clients(service, &err) : status;
    status = status == STATUS_OK ? service_open_tls(settings, stderr, &service->tls, &err) : status;
    if (status == STATUS_OK) {
        status = checkpoint_signer_init(&service->signer, settings->checkpoint_key_file,
                                        settings->checkpoint_name, &err);
    }
    if (status != STATUS_OK) {
        http_tls_free(service->tls);
        settings_deinit(settings);
        cli_tell("%s", err.message);
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}

static int run_serve(int argument_count, char **arguments)
{
    static struct service service; /* too large for a stack, one for the process */
    struct error err;
    if (read_settings(argument_count, arguments, &service) != EXIT_FINE) {
        return EXIT_USAGE;
    }
    struct service_signals signals;
    service_signals_block(&signals);
    init_logger(&service);
    open_manager(&service);
    init_threads(&service);
    service_set_up_memory();
    fit_connections(&service);
    if (start(&service, &err) == STATUS_OK) {
        int code = serve_until_signal(&service, &signals);
        service_take_down(&service);
        service_manager_close(&service.manager);
        return service.log_status == STATUS_OK ? code : EXIT_FAILED;
    }
    cli_tell("%s", err.message);
    if (service.server != NULL) {
        http_server_stop(service.server, 0);
    }
    service_take_down(&service);
    service_manager_close(&service.manager);
    return EXIT_FAILED; /* settings were checked before; the rest is the state of something */
}

static void print_settings(void)
{
    settings_print_help(stdout);
}

static int run_configuration(int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    settings_print_markdown(stdout);
    return EXIT_FINE;
}

static int run_check_config(int argument_count, char **arguments)
{
    static struct service service;
    if (read_settings(argument_count, arguments, &service) != EXIT_FINE) {
        return EXIT_USAGE;
    }
    checkpoint_signer_deinit(&service.signer);
    http_tls_free(service.tls);
    settings_deinit(&service.settings);
    printf("The configuration is fine.\n");
    return EXIT_FINE;
}

/* --- folders that are looked into --- */

static enum status open_folder_store(const char *directory, struct activity_store **out_store,
                                     struct error *err)
{
    static struct logger logger = {
        .clock = &clock_system, .descriptor = STDERR_FILENO, .level = LOG_WARNING};
    char path[DISK_PATH_BYTES_MAX];
    (void)service_raise_descriptor_limit(); /* each part takes one */
    enum status status = disk_path(directory, "store", path, err);
    return status == STATUS_OK ? activity_store_local_new(
                                     &(struct activity_store_local_config){
                                         .disk = disk_posix(),
                                         .directory = path,
                                         .clock = &clock_system,
                                         .random = &random_system,
                                         .logger = &logger,
                                         .read_only = true,
                                     },
                                     out_store, err)
                               : status;
}

static enum status count_waiting(const char *directory, struct activity_store *store,
                                 uint64_t *out_count, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct log_end end;
    struct position_set covered;
    position_set_init(&covered);
    enum status status = disk_path(directory, "log", path, err);
    if (status == STATUS_OK) {
        status = event_log_local_find_end(disk_posix(), path, &end, err);
    }
    if (status == STATUS_OK) {
        status = activity_store_durable_positions(store, end.log_id, &covered, err);
    }
    if (status == STATUS_OK) {
        int64_t begin = position_set_get(&covered, 0);
        *out_count = end.offset > begin ? (uint64_t)(end.offset - begin) : 0;
    }
    position_set_deinit(&covered);
    return status;
}

static enum status verify_log(const char *directory, struct log_verification_listener *listener,
                              struct log_verification *out_found, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, "log", path, err);
    return status == STATUS_OK ? event_log_local_check(disk_posix(), path, listener, out_found, err)
                               : status;
}

static enum status verify_store(const struct verification_request *request,
                                struct verification_listener *listener,
                                struct store_verification *out_found, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct verification_request of_store = *request;
    (void)service_raise_descriptor_limit();
    enum status status = disk_path(request->directory, "store", path, err);
    of_store.directory = path;
    return status == STATUS_OK
               ? activity_store_local_verify(disk_posix(), &of_store, listener, out_found, err)
               : status;
}

static enum status verify_signature(const char *receipt_file, const char *public_key_file,
                                    struct verified_signature *out_verified, struct error *err)
{
    return receipt_signature_check_files(disk_posix(), receipt_file, public_key_file, out_verified,
                                         err);
}

static const struct folder_access folder_access = {.open_store = open_folder_store,
                                                   .count_waiting = count_waiting,
                                                   .verify_store = verify_store,
                                                   .verify_log = verify_log,
                                                   .verify_signature = verify_signature};

static int run_verify(int argument_count, char **arguments)
{
    return command_verify(&folder_access, argument_count, arguments);
}

static struct lookup_access lookup_access(void)
{
    return (struct lookup_access){
        .folder = &folder_access, .server = server_access(), .clock = &clock_system};
}

static int run_query(int argument_count, char **arguments)
{
    const struct lookup_access access = lookup_access();
    return command_query(&access, argument_count, arguments);
}

static int run_tail(int argument_count, char **arguments)
{
    const struct lookup_access access = lookup_access();
    return command_tail(&access, argument_count, arguments);
}

static int run_stats(int argument_count, char **arguments)
{
    const struct lookup_access access = lookup_access();
    return command_stats(&access, argument_count, arguments);
}

static int run_export(int argument_count, char **arguments)
{
    const struct lookup_access access = lookup_access();
    return command_export(&access, argument_count, arguments);
}

static int run_erase(int argument_count, char **arguments)
{
    return command_erase(server_access(), argument_count, arguments);
}

static int run_refused(int argument_count, char **arguments)
{
    return command_refused(server_access(), argument_count, arguments);
}

static int run_import(int argument_count, char **arguments)
{
    return command_import(import_access(), argument_count, arguments);
}

static int run_backup(int argument_count, char **arguments)
{
    return command_backup(backup_access(), argument_count, arguments);
}

static int run_restore(int argument_count, char **arguments)
{
    return command_restore(backup_access(), argument_count, arguments);
}

static enum status probe(const struct health_question *question, struct buffer *text,
                         long *out_code, struct error *err)
{
    const struct http_client_config config = {.url = question->url, .ca_file = question->ca_file};
    return http_client_probe(&config, question->timeout_ms, text, out_code, err);
}

static int run_health(int argument_count, char **arguments)
{
    return command_health(probe, argument_count, arguments);
}

static int run_keys(int argument_count, char **arguments)
{
    return command_keys(keys_access(), argument_count, arguments);
}

static int run_replay(int argument_count, char **arguments)
{
    return command_replay(replay_access(), argument_count, arguments);
}

static int run_forward(int argument_count, char **arguments)
{
    return command_forward(forward_access(), argument_count, arguments);
}

static int run_version(int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    printf("usertrail %s (%s)\n", USERTRAIL_VERSION, USERTRAIL_REVISION);
    return EXIT_FINE;
}

static const struct cli_command commands[] = {
    {.name = "serve",
     .arguments = "[options]",
     .summary = "Accepts activities over HTTP, keeps them, answers questions.",
     .help = "Examples\n"
             "  usertrail serve --data-dir ./data\n"
             "  usertrail serve --listen 127.0.0.1:8080 --log-bytes 20GiB\n"
             "  USERTRAIL_LISTEN=0.0.0.0:3000 usertrail serve --allow-anonymous",
     .print_options = print_settings,
     .run = run_serve},
    {.name = "query",
     .arguments = "DIR|--url URL [options]",
     .summary = "Asks a data folder or a server for activities.",
     .help = command_query_help,
     .run = run_query},
    {.name = "tail",
     .arguments = "[DIR] [-f] [options]",
     .summary = "Prints the newest activities and, with -f, follows what comes.",
     .help = command_tail_help,
     .run = run_tail},
    {.name = "stats",
     .arguments = "DIR|--url URL --by WHAT [options]",
     .summary = "Counts activities by action, user, hour or day.",
     .help = command_stats_help,
     .run = run_stats},
    {.name = "export",
     .arguments = "DIR|--url URL [options]",
     .summary = "Writes all activities as NDJSON or CSV.",
     .help = command_export_help,
     .run = run_export},
    {.name = "import",
     .arguments = "FILE|- --data-dir DIR|--url URL [options]",
     .summary = "Imports a file of NDJSON, each line once.",
     .help = command_import_help,
     .run = run_import},
    {.name = "replay",
     .arguments = "--from OFFSET|TIME [options]",
     .summary = "Reads a Kafka topic again into the store; nothing doubles.",
     .help = command_replay_help,
     .run = run_replay},
    {.name = "forward",
     .arguments = "DIR [options]",
     .summary = "Moves what waits in a data folder into the event log of serve.",
     .help = command_forward_help,
     .run = run_forward},
    {.name = "verify",
     .arguments = "[DIR] [options]",
     .summary = "Reads all of a data folder and says what is wrong with it.",
     .help = command_verify_help,
     .run = run_verify},
    {.name = "backup",
     .arguments = "DATA_DIR BACKUP_DIR [options]",
     .summary = "Makes a backup of a data folder, while a server works in it.",
     .help = command_backup_help,
     .run = run_backup},
    {.name = "restore",
     .arguments = "BACKUP_DIR DATA_DIR [options]",
     .summary = "Verifies a backup and makes a data folder of it.",
     .help = command_restore_help,
     .run = run_restore},
    {.name = "health",
     .arguments = "[options]",
     .summary = "Asks a server whether it is ready, for health checks.",
     .help = command_health_help,
     .run = run_health},
    {.name = "erase",
     .arguments = "USER [options]",
     .summary = "Has a server erase a user, and prints the receipt.",
     .help = command_erase_help,
     .run = run_erase},
    {.name = "refused",
     .arguments = "list|resend [ID…|--all] [options]",
     .summary = "Lists what could not be stored, and has it sent again.",
     .help = command_refused_help,
     .run = run_refused},
    {.name = "keys",
     .arguments = "create|list|revoke --keys-file FILE [options]",
     .summary = "Makes API keys, lists them, takes them back.",
     .help = command_keys_help,
     .run = run_keys},
    {.name = "check-config",
     .arguments = "[options]",
     .summary = "Reads settings as serve does and says what is wrong.",
     .help = "Examples\n"
             "  usertrail check-config --config usertrail.conf\n"
             "  USERTRAIL_LISTEN=0.0.0.0:3000 usertrail check-config --allow-anonymous",
     .print_options = print_settings,
     .run = run_check_config},
    {.name = "configuration",
     .arguments = "",
     .summary = "Prints the reference of all settings as Markdown.",
     .help = "Examples\n"
             "  usertrail configuration > CONFIGURATION.md",
     .run = run_configuration},
    {.name = "version",
     .arguments = "",
     .summary = "Prints the version.",
     .help = "Examples\n"
             "  usertrail version",
     .run = run_version},
};

static const char examples[] = "Examples\n"
                               "  usertrail serve --data-dir ./data\n"
                               "  usertrail query --url http://127.0.0.1:3000 --user user-101\n"
                               "  usertrail tail -f";

int main(int argc, char **argv)
{
    shared_counters_unlink();
    if (!open_standard_streams()) {
        return EXIT_FAILED;
    }
    struct cli cli = {USERTRAIL_VERSION, commands, ARRAY_LENGTH(commands), examples};
    return cli_run(&cli, argc, argv);
}
