/* Hashes for the API: each loop has one of its own, since none is used by two threads. */
#include "infrastructure/crypto/sha256.h"
#include "service_parts.h"

#include <stdlib.h>

struct service_hashes {
    size_t count;
    struct sha256 *made;
    struct content_hash *ports;
};

void service_hashes_free(struct service_hashes *hashes)
{
    if (hashes == NULL) {
        return;
    }
    for (size_t i = 0; hashes->made != NULL && i < hashes->count; i++) {
        sha256_deinit(&hashes->made[i]);
    }
    free(hashes->made);
    free(hashes->ports);
    free(hashes);
}

static bool fill(struct service_hashes *hashes, size_t count)
{
    hashes->count = count;
    hashes->made = calloc(count, sizeof *hashes->made);
    hashes->ports = calloc(count, sizeof *hashes->ports);
    if (hashes->made == NULL || hashes->ports == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (sha256_init(&hashes->made[i]) != STATUS_OK) {
            return false;
        }
        hashes->ports[i] = (struct content_hash){sha256_of_parts, &hashes->made[i]};
    }
    return true;
}

static struct service_hashes *make(size_t count)
{
    struct service_hashes *hashes = calloc(1, sizeof *hashes);
    if (hashes != NULL && !fill(hashes, count)) {
        service_hashes_free(hashes);
        return NULL;
    }
    return hashes;
}

enum status service_make_hashes(struct service *service, const struct content_hash **out_hashes,
                                struct error *err)
{
    service->hashes = make(service->settings.threads);
    if (service->hashes == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the API's hashes");
    }
    *out_hashes = service->hashes->ports;
    return STATUS_OK;
}

static enum status hash_alone(void *context, const struct str *parts, size_t count,
                              uint8_t out_hash[CONTENT_HASH_BYTES])
{
    struct sha256 sha256;
    (void)context;
    enum status status = sha256_init(&sha256);
    if (status == STATUS_OK) {
        status = sha256_of_parts(&sha256, parts, count, out_hash);
        sha256_deinit(&sha256);
    }
    return status;
}

const struct content_hash service_any_thread_hash = {.hash = hash_alone};
