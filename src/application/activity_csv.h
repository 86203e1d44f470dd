#pragma once
/*
 * Activities as comma-separated values (RFC 4180), for spreadsheets. A field that a spreadsheet
 * would take for a formula gets an apostrophe in front (OWASP, "CSV Injection"), so what must come
 * back to the letter is better had as JSON. Any thread.
 */
#include "base/buffer.h"
#include "domain/activity.h"

/* One field, quoted where that is needed. */
void activity_csv_append_field(struct buffer *out_line, struct str text);

#define ACTIVITY_CSV_HEADER "id,userId,action,timestamp,metadata\r\n"

void activity_csv_append(struct buffer *out_line, const struct activity *activity);
