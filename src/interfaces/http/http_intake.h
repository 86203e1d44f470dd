#pragma once
/*
 * A body that is not simply gathered: its content coding is decoded, or a handler takes it while it
 * arrives, or both. The bytes go
 *
 *     parser --> raw, what waits to be decoded --> decoder --> consumer, or the exchange's body
 *
 * in slices, so that neither a large body nor one that grows much holds the loop. While anything
 * waits, or the consumer has enough for now, nothing more is read from the connection, so its
 * client is slowed down by TCP. Loop thread only.
 */
#include "base/buffer.h"
#include "interfaces/http/http_decoder.h"
#include "interfaces/http/http_exchange.h"
#include "interfaces/http/http_fault.h"

struct http_intake {
    struct http_exchange *exchange;
    const struct http_body_consumer *consumer; /* NULL: the body is gathered */
    struct http_decoder *decoder;              /* NULL: identity */
    struct buffer raw;
    bool paused;
    bool owes;             /* the decoder may have more without further input */
    bool ended;            /* no more bytes will come */
    bool running;          /* a slice is under way, further up the stack */
    uint64_t taken;        /* bytes of content that arrived */
    uint64_t taken_before; /* when the deadline was set */
};

enum http_intake_state {
    HTTP_INTAKE_HUNGRY,   /* takes more bytes */
    HTTP_INTAKE_BUSY,     /* goes on in a later turn without any event */
    HTTP_INTAKE_WAITING,  /* for its consumer */
    HTTP_INTAKE_COMPLETE, /* the body is complete and delivered */
    HTTP_INTAKE_FAILED    /* see *out_fault */
};

/* The intake of an exchange, made with the first call; NULL without memory. */
struct http_intake *http_intake_of(struct http_exchange *exchange);

/* Takes NULL. */
void http_intake_free(struct http_intake *intake);

/* Decodes from now on. NO_MEMORY; BUSY: the bound of bodies is reached. */
MUST_USE enum status http_intake_decode(struct http_intake *intake, enum http_coding coding);

/* Content as it arrives; called by the parser. */
enum http_fault http_intake_take(struct http_intake *intake, const char *data, size_t len);

/* One slice. */
enum http_intake_state http_intake_run(struct http_intake *intake, enum http_fault *out_fault);

/* Whether it must not be given more now. */
bool http_intake_is_blocked(const struct http_intake *intake);
