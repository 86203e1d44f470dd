#pragma once
/*
 * What the system says of this process, under the names that Prometheus' own client libraries have
 * for it (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics). What
 * cannot be read is left out. Any thread.
 */
#include "base/metric_text.h"

void process_tell_metrics(struct metric_text *text);
