#include "base/str.h"
#include "infrastructure/config/settings.h"

#include <sched.h>

static unsigned affinity_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1; /* more CPUs than the set has room for, or no answer: one is always right */
    }
    return (unsigned)CPU_COUNT(&set);
}

/* cgroup v2: "max 100000" or "150000 100000", quota and period in microseconds. 0: no quota known.
 */
static unsigned quota_count(void)
{
    char line[64] = "";
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file == NULL) {
        return 0;
    }
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    struct str rest = str_from(line);
    struct str quota_text = str_split(&rest, ' ');
    unsigned long long quota;
    unsigned long long period;
    if (!read || !str_parse_u64(quota_text, UINT32_MAX, &quota) ||
        !str_parse_u64(rest, UINT32_MAX, &period) || period == 0) {
        return 0;
    }
    return (unsigned)((quota + period - 1) / period);
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
