#include "base/str.h"
#include "infrastructure/config/settings.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 512, LINE_BYTES = 512 };

static unsigned affinity_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1; /* more CPUs than the set has room for, or no answer: one is always right */
    }
    return (unsigned)CPU_COUNT(&set);
}

static bool read_line(const char *path, char line[LINE_BYTES])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(line, LINE_BYTES, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return read;
}

unsigned settings_cpu_quota(const char *text)
{
    struct str rest = str_from(text);
    struct str quota_text = str_split(&rest, ' ');
    unsigned long long quota;
    unsigned long long period;
    if (!str_parse_u64(quota_text, UINT32_MAX, &quota) ||
        !str_parse_u64(rest, UINT32_MAX, &period) || period == 0 || quota == 0) {
        return 0;
    }
    return (unsigned)((quota + period - 1) / period);
}

/* The least quota of the group and of those it lies in. 0: no quota known. */
static unsigned quota_of_group(char *group)
{
    unsigned least = 0;
    for (;;) {
        char path[PATH_BYTES + 32];
        char line[LINE_BYTES];
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        unsigned quota = read_line(path, line) ? settings_cpu_quota(line) : 0;
        least = quota != 0 && (least == 0 || quota < least) ? quota : least;
        char *slash = strrchr(group, '/');
        if (slash == NULL) {
            return least;
        }
        *slash = '\0';
    }
}

/* cgroup v2 has one line "0::/path"; a container mostly sees itself as "/". */
static unsigned quota_count(void)
{
    char line[LINE_BYTES];
    char group[PATH_BYTES] = "";
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(group, sizeof group, "%s", line + 3);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return quota_of_group(group);
}

unsigned settings_cpu_count(void)
{
    unsigned count = affinity_count();
    unsigned quota = quota_count();
    if (quota > 0 && quota < count) {
        count = quota;
    }
    return count > 0 ? count : 1;
}
