#pragma once
/*
 * What the files of the service share: opening the adapters that its settings name. Main's thread.
 */
#include "infrastructure/disk/disk.h"
#include "service.h"

/* The adapter's own folder below the data folder, which is made. */
MUST_USE enum status service_make_adapter_dir(const struct service *service, const char *name,
                                              char out_path[DISK_PATH_BYTES_MAX],
                                              struct error *err);

/* Each leaves what it opened in the service, also when it fails. */
MUST_USE enum status service_open_log(struct service *service, struct error *err);
/* Whether librdkafka takes the properties of the settings. INVALID. */
MUST_USE enum status service_check_kafka(struct service *service, struct error *err);
MUST_USE enum status service_open_store(struct service *service, struct error *err);
MUST_USE enum status service_open_refusals(struct service *service, struct error *err);

/* For commands that end otherwise for wrong settings than for all else: what is refused after the
 * settings were checked is the state of something, so INVALID becomes UNAVAILABLE. */
MUST_USE enum status service_blame_state(enum status status, struct error *err);

/* How many activities are put into the store at once, at most. */
size_t service_batch_rows(const struct settings *settings);

/* Has the list of refusals go to a topic of Kafka, too. */
MUST_USE enum status service_send_refused(struct service *service, struct error *err);

/* Makes service->metrics, which lives as long as the service. */
void service_init_metrics(struct service *service);

/* Takes NULL. */
void service_hashes_free(struct service_hashes *hashes);
