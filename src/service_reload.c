#include "service_reload.h"

#include "service_tls.h"

#include <stdio.h>
#include <stdlib.h>

/* All sources as at the start, so that a flag or the environment still overrides the file. What
 * they say of anything else is for the next start. Warnings were told at the start, and would be no
 * lines of the log. */
static enum status read_level(const struct service *service, enum log_level *out_level,
                              struct error *err)
{
    struct settings *settings = calloc(1, sizeof *settings);
    FILE *warnings = fopen("/dev/null", "we");
    enum status status = settings == NULL || warnings == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (status == STATUS_OK) {
        status = settings_read(&service->sources, settings, warnings, err);
    } else {
        error_set(err, status, 0, "there is no memory to read the settings again");
    }
    if (status == STATUS_OK) {
        *out_level = (enum log_level)settings->log_level;
    }
    if (settings != NULL) {
        settings_deinit(settings);
    }
    if (warnings != NULL) {
        (void)fclose(warnings);
    }
    free(settings);
    return status;
}

static bool reload_level(struct service *service)
{
    enum log_level level;
    struct error err;
    if (read_level(service, &level, &err) != STATUS_OK) {
        log_error(&service->logger, "the level of log lines stays as it was", &err);
        return false;
    }
    if (level != logger_level(&service->logger)) {
        logger_set_level(&service->logger, LOG_DEBUG); /* this line comes at any level */
        log_write(&service->logger, LOG_INFO, "the level of log lines is another one",
                  LOG_FIELDS(log_text("logLevel", str_from(log_level_name(level)))));
        logger_set_level(&service->logger, level);
    }
    return true;
}

void service_reload(struct service *service, bool ready)
{
    if (ready) {
        service_manager_tell_reloading(&service->manager, "reading keys, rules and certificate");
    }
    bool access = service_reload_access(&service->access, &service->settings, &service->logger);
    bool tls = service_reload_tls(service->tls, &service->logger);
    bool level = reload_level(service);
    bool taken = access && tls && level;
    atomic_fetch_add(taken ? &service->reloads.done : &service->reloads.refused, 1);
    if (ready) {
        service_manager_tell_ready(&service->manager,
                                   taken ? service->status
                                         : "ready; of what was read again something was refused");
    }
}
