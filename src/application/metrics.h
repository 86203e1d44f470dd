#pragma once
/*
 * What ports and use cases tell as metrics (base/metric_text.h). An adapter that knows more of
 * itself tells that itself. Any thread that may describe the port, which is none of the event
 * loops'.
 */
#include "application/erase_user.h"
#include "application/refusal_list.h"
#include "application/store_activities.h"
#include "base/metric_text.h"

void metrics_tell_log(struct metric_text *text, struct event_log *log);

/* What is stored; nothing of it while the store `answers` no question. */
void metrics_tell_store(struct metric_text *text, struct activity_store *store, bool answers);
void metrics_tell_refusals(struct metric_text *text, struct refusal_list *list);
void metrics_tell_worker(struct metric_text *text, struct store_activities *worker);
void metrics_tell_erasures(struct metric_text *text, const struct erase_user *eraser);
