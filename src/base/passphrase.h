#pragma once
/*
 * What a library is told that asks for the passphrase of a key: nobody is there, so that it does
 * not wait at a terminal. Two folders that do not know each other read keys. Any thread.
 */
#include <stdbool.h>

/* Behind the name of the file. */
#define PASSPHRASE_REFUSED "is protected by a passphrase, and nobody is there to type it"

/* A pem_password_cb of OpenSSL; `out_asked` is a bool that says afterwards whether it was asked. */
static inline int passphrase_refuse(char *out_text, int capacity, int for_writing, void *out_asked)
{
    (void)out_text;
    (void)capacity;
    (void)for_writing;
    *(bool *)out_asked = true;
    return -1;
}
