#include "infrastructure/event_log_kafka/kafka_identity.h"

#include <string.h>

void kafka_identity_begin(struct kafka_identity *identity)
{
    *identity = (struct kafka_identity){0};
    identity->status = sha256_init(&identity->sha256);
    if (identity->status == STATUS_OK) {
        sha256_begin(&identity->sha256);
    }
}

void kafka_identity_add(struct kafka_identity *identity, const char *text)
{
    if (identity->status == STATUS_OK) {
        sha256_add(&identity->sha256, "", identity->count > 0 ? 1 : 0);
        sha256_add(&identity->sha256, text, strlen(text));
    }
    identity->count++;
}

enum status kafka_identity_end(struct kafka_identity *identity, struct uuid *out_id,
                               struct error *err)
{
    uint8_t hash[SHA256_BYTES];
    enum status status = identity->status;
    if (status == STATUS_OK) {
        status = sha256_end(&identity->sha256, hash);
    }
    sha256_deinit(&identity->sha256);
    if (status != STATUS_OK) {
        return error_set(err, status, 0, "there is no memory for an id of the topic");
    }
    *out_id = uuid_from_hash(hash);
    return STATUS_OK;
}

/* Where and which, as it was said: other properties may change without it being another topic. */
enum status event_log_kafka_identify(const struct event_log_kafka_config *config,
                                     struct uuid *out_id, struct error *err)
{
    struct kafka_identity identity;
    kafka_identity_begin(&identity);
    kafka_identity_add(&identity, config->topic);
    for (size_t i = 0; i < config->property_count; i++) {
        const struct event_log_kafka_property *property = &config->properties[i];
        if (strcmp(property->name, "bootstrap.servers") == 0 ||
            strcmp(property->name, "metadata.broker.list") == 0) {
            kafka_identity_add(&identity, property->value);
        }
    }
    return kafka_identity_end(&identity, out_id, err);
}
