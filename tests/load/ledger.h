// The ledger: what the load client sent and what the service promised, on disk.
//
// A service that claims never to lose an acknowledged activity is judged by this file, so it must
// know more than the service even when the service, or the client itself, is killed at any moment.
//
// Format. Text lines, ended by \n, each one record; the first character says which. Lines that
// follow an R line belong to its run, until the next R line. Numbers are decimal.
//
//     usertrail-ledger 1 1f0c9a3e                      first line: format version, nonce
//     R 2 1768435085442 server none                    run, start in ms since 1970, who makes ids
//                                                      (client|server), timestamps (sent|none)
//     S 14071 5 17 o 9c3fa01b22d4e651                  sent: sequence, connection, user number,
//                                                      o(rdered) or s(hared) user, content hash
//     A 14071 0198c0de-…                               acknowledged by a 202; the id that the
//                                                      service minted, or - when we sent it
//     X 14071 503                                      answered, not accepted: the HTTP status
//     U 14071                                          outcome unknown: the connection broke
//
// Order and durability. S lines are handed to the kernel (write) before the first byte of their
// request leaves, so a killed client cannot have sent what its ledger lacks. A thread of the
// ledger's own calls fdatasync for everything written, five times a second; ledger_close, and with
// it every figure that the client prints at its end, comes after a last one. Sequences of a run
// start at 0 and have no gaps. An S without a following A, X or U (the client was killed) counts as
// unknown. A last line without its \n was cut off while writing: opening the file again drops it,
// which is safe, since a cut S was never sent and a cut A only claims less.
//
// Several runs append to one ledger, one after another (the file is locked while open). The names
// of activities and users follow from nonce, run and number, see names.h; the nonce tells rows of
// this ledger from others in the same store.
//
// Writer: one thread calls all functions. Reader: any one thread.
#pragma once

#include "names.h"
#include "tool.h"

struct ledger;

// The longest id that the service may mint.
enum { LEDGER_ID_BYTES_MAX = 128 };

struct ledger_run {
    unsigned run;
    bool server_ids;
    bool timestamps;
};

// Opens or creates the ledger, drops a cut last line and begins a new run with a line R. Tells the
// nonce (NAME_NONCE_LEN characters and a NUL) and the run's number.
struct ledger *ledger_open(const char *path, bool server_ids, bool timestamps, char *out_nonce,
                           unsigned *out_run) MUST_USE;

struct ledger_sent {
    uint64_t sequence;
    uint64_t content_hash;
    uint32_t connection;
    uint32_t user;
    bool ordered;
};

// These collect (an id: 1..LEDGER_ID_BYTES_MAX bytes, NULL when the client sent it); nothing is in
// the file before ledger_flush returned.
void ledger_note_sent(struct ledger *ledger, const struct ledger_sent *sent);
void ledger_note_acknowledged(struct ledger *ledger, uint64_t sequence, const char *id,
                              size_t id_len);
void ledger_note_answered(struct ledger *ledger, uint64_t sequence, unsigned status);
void ledger_note_unknown(struct ledger *ledger, uint64_t sequence);

// Hands all that was noted to the kernel. A ledger that cannot be written ends the program.
void ledger_flush(struct ledger *ledger);

// Flushes, makes everything durable and frees the ledger.
void ledger_close(struct ledger *ledger);

// One record as read back. Which members are set follows from the kind.
struct ledger_record {
    char kind; // R S A X U
    struct ledger_run run;
    struct ledger_sent sent; // its sequence is set for A, X and U as well
    const char *id;          // A: NULL when the client sent the id; valid during the call
    size_t id_len;
    unsigned status;
};

typedef void ledger_visit(void *visitor, const struct ledger_record *record);

// Reads the whole file with a buffer of fixed size. A cut last line is skipped; any other line that
// is not a record ends the program, since a ledger that cannot be trusted proves nothing. Tells
// the nonce before the first visit.
void ledger_read(const char *path, char *out_nonce, ledger_visit *visit, void *visitor);
