#include "infrastructure/import_target_http/import_pause.h"

enum { MS_PER_SECOND = 1000, RETRY_AFTER_S_MAX = 3600 };

uint64_t import_pause_ms(unsigned attempts, uint64_t retry_after_ms)
{
    uint64_t pause_ms = IMPORT_PAUSE_MS_MIN;
    for (unsigned i = 1; i < attempts && pause_ms < IMPORT_PAUSE_MS_MAX; i++) {
        pause_ms *= 2;
    }
    pause_ms = pause_ms > retry_after_ms ? pause_ms : retry_after_ms;
    return pause_ms < IMPORT_PAUSE_MS_MAX ? pause_ms : IMPORT_PAUSE_MS_MAX;
}

uint64_t import_retry_after_ms(struct str value)
{
    unsigned long long seconds = 0;
    return str_parse_u64(str_trim(value), RETRY_AFTER_S_MAX, &seconds) ? seconds * MS_PER_SECOND
                                                                       : 0;
}
