#include "options.h"

#include "tool.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char help[] =
    "usertrail-load: sends activities to a usertrail service, keeps a ledger, judges by it\n"
    "\n"
    "  usertrail-load run   --url http://127.0.0.1:3000 [options]\n"
    "      --connections N      keep-alive connections, one request at a time each (64)\n"
    "      --rate R             planned requests per second over all connections; latency counts\n"
    "                           from the planned time (default: closed loop, as fast as answered)\n"
    "      --batch N            send arrays of N activities (default: single objects)\n"
    "      --count N            stop after N activities (default 10000 without --seconds)\n"
    "      --seconds S          stop after S seconds\n"
    "      --server-ids         send no ids; the ledger keeps the id from the 202\n"
    "      --users U            draw from U users (1000), by a Zipf distribution\n"
    "      --evenly             draw users evenly instead\n"
    "      --history-days D     activities of the last D days, one after the other up to 2 s early "
    "or\n"
    "                           late, with UUIDv7 of their times as ids; needs --count, no "
    "--ledger\n"
    "      --bytes B            pad activities to B bytes (300; unpadded ones are about that)\n"
    "      --ordered-user-per-connection\n"
    "                           each connection sends in sequence, without timestamps, for a user\n"
    "                           of its own, so that the order can be checked\n"
    "      --reconnect-seconds S  when connections break, try for S seconds (0: stop at once)\n"
    "      --timeout-seconds S  give an answer up after S seconds (30)\n"
    "      --ledger FILE        append to this ledger\n"
    "      --seed N             make the same users and actions again\n"
    "      --header-file FILE   one more header field for each connection: FILE's lines in turn\n"
    "\n"
    "  usertrail-load check --url http://127.0.0.1:3000 --ledger FILE [options]\n"
    "      --by-user            ask for each user's activities instead of walking through all\n"
    "      --wait-seconds S     give the worker so long to catch up before judging (30)\n"
    "      --expect-loss        negative control: exit 0 only if something acknowledged is gone\n"
    "\n"
    "  both: --path /api/v1/activities   --json FILE (- is stdout)   --quiet\n"
    "        --header \"Name: value\"      of every request; may be given several times\n"
    "        --key KEY                   one more such: \"Authorization: Bearer KEY\"\n"
    "\n"
    "Needs 24 bytes for each activity of the ledger while checking, and one page of answers.\n"
    "Exit code: 0 done, or the check holds; 1 not; 2 wrong usage.\n";

enum option_code {
    OPTION_URL = 256,
    OPTION_PATH,
    OPTION_KEY,
    OPTION_HEADER,
    OPTION_HEADER_FILE,
    OPTION_LEDGER,
    OPTION_JSON,
    OPTION_CONNECTIONS,
    OPTION_RATE,
    OPTION_BATCH,
    OPTION_COUNT,
    OPTION_SECONDS,
    OPTION_SERVER_IDS,
    OPTION_USERS,
    OPTION_EVENLY,
    OPTION_HISTORY,
    OPTION_BYTES,
    OPTION_ORDERED,
    OPTION_RECONNECT,
    OPTION_TIMEOUT,
    OPTION_SEED,
    OPTION_QUIET,
    OPTION_BY_USER,
    OPTION_WAIT,
    OPTION_EXPECT_LOSS,
    OPTION_HELP
};

void options_print_help(void)
{
    fputs(help, stdout);
    exit(TOOL_FINE);
}

static double parse_number(const char *name, double min, double max)
{
    char *end = NULL;
    double number = strtod(optarg, &end);
    if (end == optarg || *end != '\0' || !(number >= min && number <= max))
        tool_fail(TOOL_USAGE, "--%s takes a number from %g to %g, not \"%s\"", name, min, max,
                  optarg);
    return number;
}

static uint64_t parse_count(const char *name, double min, double max)
{
    double number = parse_number(name, min, max);
    if (number != floor(number))
        tool_fail(TOOL_USAGE, "--%s takes a whole number, not \"%s\"", name, optarg);
    return (uint64_t)number;
}

// http://ADDRESS:PORT, with or without a slash at the end.
static bool read_url(const char *url, struct service_address *service)
{
    static const char scheme[] = "http://";
    const char *host = url + sizeof scheme - 1;
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    size_t host_len = strcspn(host, ":/");
    if (host[host_len] != ':' || host_len >= sizeof service->host - 8)
        return false;
    char *end = NULL;
    unsigned long port = strtoul(host + host_len + 1, &end, 10);
    if (port < 1 || port > 65535 || (*end != '\0' && strcmp(end, "/") != 0))
        return false;
    snprintf(service->host, sizeof service->host, "%.*s", (int)host_len, host);
    const char *number = strcmp(service->host, "localhost") == 0 ? "127.0.0.1" : service->host;
    service->address.sin_family = AF_INET;
    service->address.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, number, &service->address.sin_addr) != 1)
        return false;
    snprintf(service->host + host_len, sizeof service->host - host_len, ":%lu", port);
    return true;
}

static void parse_url(const char *url, struct service_address *service)
{
    if (!read_url(url, service))
        tool_fail(TOOL_USAGE, "--url takes http://ADDRESS:PORT, not \"%s\"", url);
}

static void add_field(struct header_fields *fields, const char *field)
{
    const char *problem = header_fields_add(fields, field, strlen(field));
    if (problem != NULL)
        tool_fail(TOOL_USAGE, "--header \"%s\" %s", field, problem);
}

static void add_key(struct header_fields *fields)
{
    // One that is cut off here is too long to be added.
    char field[HEADER_FIELDS_BYTES_MAX];
    snprintf(field, sizeof field, "Authorization: Bearer %s", optarg);
    add_field(fields, field);
}

static bool take_run_option(int code, struct run_options *options)
{
    switch (code) {
    case OPTION_URL:
        parse_url(optarg, &options->service);
        return true;
    case OPTION_PATH:
        options->path = optarg;
        return true;
    case OPTION_KEY:
        add_key(&options->fields);
        return true;
    case OPTION_HEADER:
        add_field(&options->fields, optarg);
        return true;
    case OPTION_HEADER_FILE:
        header_field_sets_deinit(&options->field_sets);
        header_field_sets_read(optarg, &options->field_sets);
        return true;
    case OPTION_LEDGER:
        options->ledger_path = optarg;
        return true;
    case OPTION_JSON:
        options->json_path = optarg;
        return true;
    case OPTION_SERVER_IDS:
        options->server_ids = true;
        return true;
    case OPTION_EVENLY:
        options->evenly = true;
        return true;
    case OPTION_ORDERED:
        options->ordered = true;
        return true;
    case OPTION_QUIET:
        options->quiet = true;
        return true;
    default:
        return false;
    }
}

static bool take_run_number(int code, struct run_options *options)
{
    switch (code) {
    case OPTION_CONNECTIONS:
        options->connections = (uint32_t)parse_count("connections", 1, 20000);
        return true;
    case OPTION_RATE:
        options->rate_per_s = parse_number("rate", 0.01, 1e7);
        return true;
    case OPTION_BATCH:
        options->batch = (uint32_t)parse_count("batch", 0, 100000);
        return true;
    case OPTION_COUNT:
        options->count = parse_count("count", 1, 9999999999.0);
        return true;
    case OPTION_SECONDS:
        options->duration_s = parse_number("seconds", 0.01, 1e6);
        return true;
    case OPTION_USERS:
        options->users = (uint32_t)parse_count("users", 1, 1e8);
        return true;
    case OPTION_HISTORY:
        options->history_days = parse_number("history-days", 0.001, 10000);
        return true;
    case OPTION_BYTES:
        options->activity_bytes = (size_t)parse_count("bytes", 0, 60000);
        return true;
    case OPTION_RECONNECT:
        options->reconnect_s = parse_number("reconnect-seconds", 0, 1e6);
        return true;
    case OPTION_TIMEOUT:
        options->timeout_s = parse_number("timeout-seconds", 0.01, 1e6);
        return true;
    case OPTION_SEED:
        options->seed = parse_count("seed", 0, 9e15);
        return true;
    default:
        return false;
    }
}

static void end_parsing(int argc, char **argv, const struct service_address *service)
{
    if (optind < argc)
        tool_fail(TOOL_USAGE, "unexpected argument \"%s\"; see --help", argv[optind]);
    if (service->address.sin_port == 0)
        tool_fail(TOOL_USAGE, "--url is missing; see --help");
}

void options_parse_run(int argc, char **argv, struct run_options *out_options)
{
    static const struct option table[] = {
        {"url", required_argument, NULL, OPTION_URL},
        {"path", required_argument, NULL, OPTION_PATH},
        {"key", required_argument, NULL, OPTION_KEY},
        {"header", required_argument, NULL, OPTION_HEADER},
        {"header-file", required_argument, NULL, OPTION_HEADER_FILE},
        {"ledger", required_argument, NULL, OPTION_LEDGER},
        {"json", required_argument, NULL, OPTION_JSON},
        {"connections", required_argument, NULL, OPTION_CONNECTIONS},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"batch", required_argument, NULL, OPTION_BATCH},
        {"count", required_argument, NULL, OPTION_COUNT},
        {"seconds", required_argument, NULL, OPTION_SECONDS},
        {"server-ids", no_argument, NULL, OPTION_SERVER_IDS},
        {"users", required_argument, NULL, OPTION_USERS},
        {"evenly", no_argument, NULL, OPTION_EVENLY},
        {"history-days", required_argument, NULL, OPTION_HISTORY},
        {"bytes", required_argument, NULL, OPTION_BYTES},
        {"ordered-user-per-connection", no_argument, NULL, OPTION_ORDERED},
        {"reconnect-seconds", required_argument, NULL, OPTION_RECONNECT},
        {"timeout-seconds", required_argument, NULL, OPTION_TIMEOUT},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"quiet", no_argument, NULL, OPTION_QUIET},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    struct run_options options = {.path = "/api/v1/activities",
                                  .connections = 64,
                                  .users = 1000,
                                  .activity_bytes = 300,
                                  .timeout_s = 30};
    if (getrandom(&options.seed, sizeof options.seed, 0) != (ssize_t)sizeof options.seed)
        options.seed = (uint64_t)tool_now_ns();
    optind = 2;
    for (int code; (code = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (code == OPTION_HELP)
            options_print_help();
        if (!take_run_option(code, &options) && !take_run_number(code, &options))
            exit(TOOL_USAGE); // getopt_long has named the wrong option
    }
    end_parsing(argc, argv, &options.service);
    if (options.history_days > 0 &&
        (options.count == 0 || options.ledger_path != NULL || options.ordered))
        tool_fail(TOOL_USAGE, "--history-days needs --count, and neither --ledger nor an order");
    if (options.count == 0 && options.duration_s == 0)
        options.count = 10000;
    *out_options = options;
}

static bool take_check_option(int code, struct check_options *options)
{
    switch (code) {
    case OPTION_URL:
        parse_url(optarg, &options->service);
        return true;
    case OPTION_PATH:
        options->path = optarg;
        return true;
    case OPTION_KEY:
        add_key(&options->fields);
        return true;
    case OPTION_HEADER:
        add_field(&options->fields, optarg);
        return true;
    case OPTION_LEDGER:
        options->ledger_path = optarg;
        return true;
    case OPTION_JSON:
        options->json_path = optarg;
        return true;
    case OPTION_BY_USER:
        options->by_user = true;
        return true;
    case OPTION_WAIT:
        options->wait_s = parse_number("wait-seconds", 0, 1e6);
        return true;
    case OPTION_EXPECT_LOSS:
        options->expect_loss = true;
        return true;
    default:
        return code == OPTION_QUIET;
    }
}

void options_parse_check(int argc, char **argv, struct check_options *out_options)
{
    static const struct option table[] = {
        {"url", required_argument, NULL, OPTION_URL},
        {"path", required_argument, NULL, OPTION_PATH},
        {"key", required_argument, NULL, OPTION_KEY},
        {"header", required_argument, NULL, OPTION_HEADER},
        {"ledger", required_argument, NULL, OPTION_LEDGER},
        {"json", required_argument, NULL, OPTION_JSON},
        {"by-user", no_argument, NULL, OPTION_BY_USER},
        {"wait-seconds", required_argument, NULL, OPTION_WAIT},
        {"expect-loss", no_argument, NULL, OPTION_EXPECT_LOSS},
        {"quiet", no_argument, NULL, OPTION_QUIET},
        {"help", no_argument, NULL, OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    struct check_options options = {.path = "/api/v1/activities", .wait_s = 30};
    optind = 2;
    for (int code; (code = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (code == OPTION_HELP)
            options_print_help();
        if (!take_check_option(code, &options))
            exit(TOOL_USAGE);
    }
    end_parsing(argc, argv, &options.service);
    if (options.ledger_path == NULL)
        tool_fail(TOOL_USAGE, "--ledger is missing; see --help");
    *out_options = options;
}
