#pragma once
/*
 * A disk that holds one file, the input of a fuzz target, under every name, and swallows what is
 * written. It can repair checksums: what is read with one call is a run with its CRC-32C at the end
 * in all files of the store, so the disk puts the right one there on the way to the reader. A
 * fuzzer then gets behind the checksums without knowing where anything stands. One thread.
 */
#include "infrastructure/disk/disk.h"

#include <stdbool.h>

struct fuzz_disk {
    struct disk disk;
    const uint8_t *bytes; /* borrowed */
    size_t len;
    bool repairs;
    uint32_t seed; /* of the CRCs, but for what begins the file, which starts with 0 */
};

void fuzz_disk_init(struct fuzz_disk *disk, const uint8_t *bytes, size_t len);
