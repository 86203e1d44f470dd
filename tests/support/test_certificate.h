#pragma once
/*
 * A certificate for 127.0.0.1 that signed itself, and its key, good for a day. One thread.
 */
#include <stdbool.h>

/* Writes both in PEM to new files, whose paths mkstemp makes of the templates; returns whether it
 * could. The caller removes them. */
bool test_certificate_make(char *certificate_template, char *key_template);
