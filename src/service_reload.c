#include "service_reload.h"

#include "service_tls.h"

#include <stdio.h>
#include <stdlib.h>

/* All sources as at the start, so that a flag or the environment still overrides the file. Warnings
 * were told at the start, and would be no lines of the log. */
static enum status read_sources(const struct service *service, struct settings *out_settings,
                                struct error *err)
{
    FILE *warnings = fopen("/dev/null", "we");
    if (warnings == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is nowhere for warnings of settings");
    }
    enum status status = settings_read(&service->sources, out_settings, warnings, err);
    (void)fclose(warnings);
    return status;
}

static void set_level(struct service *service)
{
    enum log_level level = (enum log_level)service->settings.log_level;
    if (level != logger_level(&service->logger)) {
        logger_set_level(&service->logger, LOG_DEBUG); /* this line comes at any level */
        log_write(&service->logger, LOG_INFO, "the level of log lines is another one",
                  LOG_FIELDS(log_text("logLevel", str_from(log_level_name(level)))));
        logger_set_level(&service->logger, level);
    }
}

static bool have_same_limits(const struct settings *one, const struct settings *other)
{
    return one->limit_key_rate == other->limit_key_rate &&
           one->limit_key_burst == other->limit_key_burst &&
           one->limit_address_rate == other->limit_address_rate &&
           one->limit_address_burst == other->limit_address_burst;
}

static void set_limits(struct service *service)
{
    const struct settings *now = &service->settings;
    service_set_limits(&service->access, now);
    log_write(&service->logger, LOG_INFO, "the limits are other ones",
              LOG_FIELDS(log_number("keyRate", (int64_t)now->limit_key_rate),
                         log_number("keyBurst", (int64_t)now->limit_key_burst),
                         log_number("addressRate", (int64_t)now->limit_address_rate),
                         log_number("addressBurst", (int64_t)now->limit_address_burst)));
}

/* Level and limits come from the same sources: all of them, or none. */
static enum status take_settings(struct service *service, struct settings *room, struct error *err)
{
    enum status status = read_sources(service, room, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = service_prepare_limits(&service->access, room, err);
    if (status == STATUS_OK) {
        bool same = have_same_limits(&service->settings, room);
        settings_take_again(&service->settings, room);
        set_level(service);
        if (!same) {
            set_limits(service);
        }
    }
    settings_deinit(room);
    return status;
}

static bool reload_settings(struct service *service)
{
    struct error err;
    struct settings *room = calloc(1, sizeof *room);
    enum status status = room == NULL ? error_set(&err, STATUS_NO_MEMORY, 0,
                                                  "there is no memory to read the settings again")
                                      : take_settings(service, room, &err);
    free(room);
    if (status != STATUS_OK) {
        log_error(&service->logger, "the level of log lines stays as it was, and so do the limits",
                  &err);
    }
    return status == STATUS_OK;
}

void service_reload(struct service *service, bool ready)
{
    if (ready) {
        service_manager_tell_reloading(&service->manager,
                                       "reading keys, rules, limits and certificate");
    }
    bool access = service_reload_access(&service->access, &service->settings, &service->logger);
    bool tls = service_reload_tls(service->tls, &service->logger);
    bool settings = reload_settings(service);
    bool taken = access && tls && settings;
    atomic_fetch_add(taken ? &service->reloads.done : &service->reloads.refused, 1);
    if (ready) {
        service_manager_tell_ready(&service->manager,
                                   taken ? service->status
                                         : "ready; of what was read again something was refused");
    }
}
