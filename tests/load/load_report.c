#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds_since(const struct load *load, int64_t now_ns)
{
    return (double)(now_ns - load->figures.started_ns) / 1e9;
}

static double latency_us(const struct load *load, double percent)
{
    return (double)histogram_percentile(&load->figures.latency, percent) / 1e3;
}

static double own_cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void load_report_progress(const struct load *load, int64_t now_ns)
{
    static int64_t last_ns;
    const struct load_figures *figures = &load->figures;
    if (load->options->quiet || now_ns - last_ns < INT64_C(250000000) || !isatty(STDERR_FILENO))
        return;
    last_ns = now_ns;
    double seconds = seconds_since(load, now_ns);
    fprintf(
        stderr,
        "\r%7.1f s  %12" PRIu64 " acknowledged  %10.0f /s  p99 %.0f us  %" PRIu64 " unknown\033[K",
        seconds, figures->acknowledged, (double)figures->acknowledged / (seconds > 0 ? seconds : 1),
        latency_us(load, 99), figures->unknown);
}

static void print_statuses(const struct load_figures *figures)
{
    printf("answers           ");
    for (unsigned status = 0; status < 600; status++)
        if (figures->statuses[status] > 0)
            printf("  %u: %" PRIu64, status, figures->statuses[status]);
    printf("\n");
}

static void print_table(const struct load *load)
{
    const struct load_figures *figures = &load->figures;
    double seconds = seconds_since(load, figures->ended_ns);
    printf("sent                %12" PRIu64 " activities, %" PRIu64 " requests in %.3f s\n",
           figures->sent, figures->requests_sent, seconds);
    printf("acknowledged        %12" PRIu64 " activities, %.0f /s\n", figures->acknowledged,
           (double)figures->acknowledged / seconds);
    printf("rejected (4xx)      %12" PRIu64 "\n", figures->rejected);
    printf("refused (others)    %12" PRIu64 "\n", figures->refused);
    printf("outcome unknown     %12" PRIu64 "   connections broken %" PRIu64 ", time-outs %" PRIu64
           "\n",
           figures->unknown, figures->connections_broken, figures->timeouts);
    printf("wrong answers       %12" PRIu64 "\n", figures->wrong_answers);
    if (figures->planned_not_sent > 0)
        printf("planned, not sent   %12" PRIu64 " requests: the service was slower than the rate\n",
               figures->planned_not_sent);
    print_statuses(figures);
    printf("latency in us       mean %.1f  p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f%s\n",
           histogram_mean(&figures->latency) / 1e3, latency_us(load, 50), latency_us(load, 90),
           latency_us(load, 99), latency_us(load, 99.9), (double)figures->latency.max / 1e3,
           load->options->rate_per_s > 0 ? "  (from the planned time)" : "");
    printf("this client's CPU   %12.3f s\n", own_cpu_seconds());
}

static void write_statuses(FILE *file, const struct load_figures *figures)
{
    const char *separator = "";
    fprintf(file, "\"statuses\":{");
    for (unsigned status = 0; status < 600; status++) {
        if (figures->statuses[status] > 0) {
            fprintf(file, "%s\"%u\":%" PRIu64, separator, status, figures->statuses[status]);
            separator = ",";
        }
    }
    fprintf(file, "},");
}

static void write_json(const struct load *load, FILE *file)
{
    const struct load_figures *figures = &load->figures;
    double seconds = seconds_since(load, figures->ended_ns);
    fprintf(file, "{\"nonce\":\"%s\",\"run\":%u,\"seconds\":%.6f,", load->nonce, load->run.run,
            seconds);
    fprintf(file, "\"requestsSent\":%" PRIu64 ",\"requestsAnswered\":%" PRIu64 ",",
            figures->requests_sent, figures->requests_answered);
    fprintf(file,
            "\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"rejected\":%" PRIu64
            ",\"refused\":%" PRIu64 ",\"unknown\":%" PRIu64 ",",
            figures->sent, figures->acknowledged, figures->rejected, figures->refused,
            figures->unknown);
    fprintf(file,
            "\"bodyBytes\":%" PRIu64 ",\"connectionsBroken\":%" PRIu64 ",\"timeouts\":%" PRIu64
            ",\"wrongAnswers\":%" PRIu64 ",\"plannedNotSent\":%" PRIu64 ",",
            figures->body_bytes, figures->connections_broken, figures->timeouts,
            figures->wrong_answers, figures->planned_not_sent);
    write_statuses(file, figures);
    fprintf(file,
            "\"latencyMicroseconds\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,"
            "\"p99.9\":%.1f,\"max\":%.1f},",
            histogram_mean(&figures->latency) / 1e3, latency_us(load, 50), latency_us(load, 90),
            latency_us(load, 99), latency_us(load, 99.9), (double)figures->latency.max / 1e3);
    fprintf(file, "\"clientCpuSeconds\":%.6f}\n", own_cpu_seconds());
}

void load_report_end(const struct load *load)
{
    const struct run_options *options = load->options;
    bool json_to_stdout = options->json_path != NULL && strcmp(options->json_path, "-") == 0;
    if (!options->quiet && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    if (load->gave_up)
        fprintf(stderr, "usertrail-load: the service at %s stayed away\n", options->service.host);
    if (!options->quiet && !json_to_stdout)
        print_table(load);
    if (options->json_path == NULL)
        return;
    FILE *file = json_to_stdout ? stdout : fopen(options->json_path, "we");
    if (file == NULL)
        tool_fail(TOOL_WRONG, "%s cannot be written", options->json_path);
    write_json(load, file);
    if (fflush(file) != 0 || (!json_to_stdout && fclose(file) != 0))
        tool_fail(TOOL_WRONG, "%s cannot be written", options->json_path);
}
