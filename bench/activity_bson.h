#pragma once
/* A message's JSON as the document that the program would store, without its care for what BSON
 * cannot hold exactly: the least that building documents can cost. */
#include "kafka_messages.h"

#include <bson/bson.h>

/* Appends to an empty document. Ends the process where the message is not of the program. */
void activity_bson_append(bson_t *document, const struct kafka_message *message);
