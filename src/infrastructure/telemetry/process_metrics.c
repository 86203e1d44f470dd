#include "infrastructure/telemetry/process_metrics.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { STAT_BYTES = 1024 };

/* Time -------------------------------------------------------------------------------------- */

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;
    return clock_gettime(id, &now) == 0
               ? (uint64_t)now.tv_sec * NANOSECONDS_PER_SECOND + (uint64_t)now.tv_nsec
               : 0;
}

static void tell_cpu(struct metric_text *text)
{
    static const struct metric cpu = {"process_cpu_seconds_total", METRIC_COUNTER,
                                      "CPU time of the process, user and system."};
    metric_tell_seconds(text, &cpu, read_ns(CLOCK_PROCESS_CPUTIME_ID));
}

/* The kernel counts from the machine's start, also over times when it slept. */
static void tell_start(struct metric_text *text, unsigned long long start_ticks)
{
    static const struct metric start = {"process_start_time_seconds", METRIC_GAUGE,
                                        "When the process began, since 1970."};
    uint64_t begun_ns =
        start_ticks * NANOSECONDS_PER_SECOND / (unsigned long long)sysconf(_SC_CLK_TCK);
    uint64_t age_ns = read_ns(CLOCK_BOOTTIME) - begun_ns;
    metric_tell_seconds(text, &start, read_ns(CLOCK_REALTIME) - age_ns);
}

/* Memory and start -------------------------------------------------------------------------- */

/* What proc(5) has of a process behind its name, which may hold anything; by the place there. */
enum { STAT_START_TICKS = 19, STAT_VIRTUAL_BYTES = 20, STAT_RESIDENT_PAGES = 21, STAT_PLACES = 22 };

static bool split_stat(const char *behind_name, unsigned long long places[STAT_PLACES])
{
    struct str rest = str_from(behind_name);
    for (size_t i = 0; i < STAT_PLACES; i++) {
        struct str word = str_split(&rest, ' ');
        if (i >= STAT_START_TICKS && !str_parse_u64(word, UINT64_MAX, &places[i])) {
            return false;
        }
    }
    return true;
}

static bool read_stat(unsigned long long places[STAT_PLACES])
{
    char line[STAT_BYTES];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = '\0';
    const char *name_end = strrchr(line, ')');
    return name_end != NULL && name_end[1] == ' ' && split_stat(name_end + 2, places);
}

static void tell_stat(struct metric_text *text)
{
    static const struct metric resident = {"process_resident_memory_bytes", METRIC_GAUGE,
                                           "Memory of the process that is resident."};
    static const struct metric virtual = {"process_virtual_memory_bytes", METRIC_GAUGE,
                                          "Addresses that the process has in use."};
    unsigned long long places[STAT_PLACES];
    if (read_stat(places)) {
        metric_tell(text, &resident,
                    places[STAT_RESIDENT_PAGES] * (unsigned long long)sysconf(_SC_PAGESIZE));
        metric_tell(text, &virtual, places[STAT_VIRTUAL_BYTES]);
        tell_start(text, places[STAT_START_TICKS]);
    }
}

/* Descriptors ------------------------------------------------------------------------------- */

/* Without the two names of every folder, and without the one that reads it. */
static void tell_open(struct metric_text *text)
{
    static const struct metric open_files = {"process_open_fds", METRIC_GAUGE,
                                             "File descriptors that are open."};
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    metric_tell(text, &open_files, count > 3 ? count - 3 : 0);
}

static void tell_limit(struct metric_text *text)
{
    static const struct metric limit = {"process_max_fds", METRIC_GAUGE,
                                        "File descriptors that may be open."};
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
        metric_tell(text, &limit, files.rlim_cur);
    }
}

void process_tell_metrics(struct metric_text *text)
{
    tell_cpu(text);
    tell_stat(text);
    tell_open(text);
    tell_limit(text);
}
