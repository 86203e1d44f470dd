/*
 * A configuration file: read or refused in words that name the line.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "infrastructure/config/settings.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void expect_sound(const struct settings *settings)
{
    ASSERT(memchr(settings->data_dir, '\0', sizeof settings->data_dir) != NULL);
    ASSERT(settings->data_dir[0] != '\0');
    ASSERT(memchr(settings->listen.host, '\0', sizeof settings->listen.host) != NULL);
    ASSERT(settings->listen.host[0] != '\0');
    ASSERT(settings->role <= ROLE_WORKER && settings->store <= STORE_MEMORY);
    ASSERT(settings->metadata_depth >= 1 && settings->metadata_depth <= 256);
    ASSERT(settings->batch_activities >= 1 && settings->batch_activities <= 100000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *no_environment[] = {NULL};
    char argument[64];
    char *arguments[] = {argument};
    int file = memfd_create("settings", MFD_CLOEXEC);
    ASSERT(file >= 0);
    ssize_t written = write(file, data, size);
    ASSERT(written == (ssize_t)size);
    snprintf(argument, sizeof argument, "--config=/proc/self/fd/%d", file);
    struct settings_sources sources = {1, arguments, no_environment};
    struct settings settings;
    struct error err = {0};
    enum status status = settings_read(&sources, &settings, stderr, &err);
    if (status == STATUS_OK) {
        expect_sound(&settings);
        settings_deinit(&settings);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        ASSERT(strncmp(err.message, argument + sizeof("--config=") - 1,
                       strlen(argument) - sizeof("--config=") + 1) == 0);
    }
    close(file);
    return 0;
}
