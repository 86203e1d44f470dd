#include "infrastructure/service_manager/service_manager.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { SEND_TIMEOUT_S = 2, MESSAGE_BYTES = 320 };

/* 0: the text is no address. An abstract name begins with a zero and has no other at its end. */
static socklen_t make_address(const char *text, struct sockaddr_un *out_address)
{
    size_t len = strlen(text);
    bool names = (text[0] == '/' || text[0] == '@') && text[1] != '\0';
    if (!names || len >= sizeof out_address->sun_path) {
        return 0;
    }
    *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out_address->sun_path, text, len);
    if (text[0] == '@') {
        out_address->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (text[0] == '/'));
}

bool service_manager_open(struct service_manager *manager, const char *address,
                          const struct clock *clock)
{
    struct sockaddr_un to;
    *manager = (struct service_manager){.descriptor = -1, .clock = clock};
    if (address == NULL || address[0] == '\0') {
        return true;
    }
    socklen_t len = make_address(address, &to);
    int descriptor = len == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return false;
    }
    const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(descriptor, (const struct sockaddr *)&to, len) != 0) {
        close(descriptor);
        return false;
    }
    manager->descriptor = descriptor;
    return true;
}

void service_manager_close(struct service_manager *manager)
{
    if (manager->descriptor >= 0) {
        close(manager->descriptor);
    }
    manager->descriptor = -1;
}

/* `lines` end with a line's end. Whoever does not listen any more is nobody to wait for. */
static void tell(const struct service_manager *manager, const char *lines, const char *status)
{
    char message[MESSAGE_BYTES];
    if (manager->descriptor < 0) {
        return;
    }
    snprintf(message, sizeof message, "%sSTATUS=%.*s", lines, SERVICE_MANAGER_STATUS_BYTES_MAX,
             status);
    ssize_t sent = send(manager->descriptor, message, strlen(message), MSG_NOSIGNAL);
    (void)sent;
}

void service_manager_tell_starting(const struct service_manager *manager, const char *status)
{
    tell(manager, "", status);
}

void service_manager_tell_ready(const struct service_manager *manager, const char *status)
{
    tell(manager, "READY=1\n", status);
}

/* The time tells the manager which of its requests this answers. */
void service_manager_tell_reloading(const struct service_manager *manager, const char *status)
{
    char lines[64];
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
             clock_monotonic_ns(manager->clock) / 1000);
    tell(manager, lines, status);
}

void service_manager_tell_stopping(const struct service_manager *manager, const char *status)
{
    tell(manager, "STOPPING=1\n", status);
}
