"""Just enough of librdkafka and libmongoc to look into the servers without usertrail."""

import ctypes
import json
from functools import cache

TIMEOUT_MS = 15000
PRODUCER, CONSUMER = 0, 1
OFFSET_BEGINNING = -2
COPY_PAYLOAD = 2  # RD_KAFKA_MSG_F_COPY
TEXT_BYTES_MAX = 512
BSON_BYTES = 128  # of a bson_t, by its documentation


class Message(ctypes.Structure):
    """rd_kafka_message_t, as far as it is read here."""
    _fields_ = [("error", ctypes.c_int), ("topic", ctypes.c_void_p), ("partition", ctypes.c_int32),
                ("payload", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class BsonError(ctypes.Structure):
    _fields_ = [("domain", ctypes.c_uint32), ("code", ctypes.c_uint32), ("message", ctypes.c_char * 504)]


POINTER, TEXT, INTEGER, SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
KAFKA_FUNCTIONS = {
    "rd_kafka_conf_new": (POINTER,),
    "rd_kafka_conf_set": (INTEGER, POINTER, TEXT, TEXT, POINTER, SIZE),
    "rd_kafka_new": (POINTER, INTEGER, POINTER, POINTER, SIZE),
    "rd_kafka_destroy": (None, POINTER),
    "rd_kafka_topic_new": (POINTER, POINTER, TEXT, POINTER),
    "rd_kafka_topic_destroy": (None, POINTER),
    "rd_kafka_produce": (INTEGER, POINTER, ctypes.c_int32, INTEGER, TEXT, SIZE, POINTER, SIZE, POINTER),
    "rd_kafka_flush": (INTEGER, POINTER, INTEGER),
    "rd_kafka_consume_start": (INTEGER, POINTER, ctypes.c_int32, ctypes.c_int64),
    "rd_kafka_consume": (ctypes.POINTER(Message), POINTER, ctypes.c_int32, INTEGER),
    "rd_kafka_consume_stop": (INTEGER, POINTER, ctypes.c_int32),
    "rd_kafka_message_destroy": (None, ctypes.POINTER(Message)),
    "rd_kafka_NewTopic_new": (POINTER, TEXT, INTEGER, INTEGER, POINTER, SIZE),
    "rd_kafka_NewTopic_destroy": (None, POINTER),
    "rd_kafka_DeleteTopic_new": (POINTER, TEXT),
    "rd_kafka_DeleteTopic_destroy": (None, POINTER),
    "rd_kafka_DeleteTopics": (None, POINTER, ctypes.POINTER(POINTER), SIZE, POINTER, POINTER),
    "rd_kafka_event_DeleteTopics_result": (POINTER, POINTER),
    "rd_kafka_DeleteTopics_result_topics": (ctypes.POINTER(POINTER), POINTER, ctypes.POINTER(SIZE)),
    "rd_kafka_queue_new": (POINTER, POINTER),
    "rd_kafka_queue_destroy": (None, POINTER),
    "rd_kafka_CreateTopics": (None, POINTER, ctypes.POINTER(POINTER), SIZE, POINTER, POINTER),
    "rd_kafka_queue_poll": (POINTER, POINTER, INTEGER),
    "rd_kafka_event_CreateTopics_result": (POINTER, POINTER),
    "rd_kafka_CreateTopics_result_topics": (ctypes.POINTER(POINTER), POINTER, ctypes.POINTER(SIZE)),
    "rd_kafka_topic_result_error": (INTEGER, POINTER),
    "rd_kafka_DeleteGroup_new": (POINTER, TEXT),
    "rd_kafka_DeleteGroup_destroy": (None, POINTER),
    "rd_kafka_DeleteGroups": (None, POINTER, ctypes.POINTER(POINTER), SIZE, POINTER, POINTER),
    "rd_kafka_event_DeleteGroups_result": (POINTER, POINTER),
    "rd_kafka_DeleteGroups_result_groups": (ctypes.POINTER(POINTER), POINTER, ctypes.POINTER(SIZE)),
    "rd_kafka_group_result_error": (POINTER, POINTER),
    "rd_kafka_error_code": (INTEGER, POINTER),
    "rd_kafka_event_destroy": (None, POINTER),
}
MONGO_FUNCTIONS = {
    "mongoc_init": (None,),
    "mongoc_client_new": (POINTER, TEXT),
    "mongoc_client_destroy": (None, POINTER),
    "mongoc_client_command_simple": (ctypes.c_bool, POINTER, TEXT, POINTER, POINTER, POINTER, POINTER),
    "bson_new_from_json": (POINTER, TEXT, ctypes.c_ssize_t, POINTER),
    "bson_as_json": (POINTER, POINTER, POINTER),
    "bson_destroy": (None, POINTER),
    "bson_free": (None, POINTER),
}


def _load(name, functions):
    library = ctypes.CDLL(name)
    for function, (result, *arguments) in functions.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


@cache
def _kafka():
    return _load("librdkafka.so.1", KAFKA_FUNCTIONS)


@cache
def _mongo():
    library = _load("libmongoc-1.0.so.0", MONGO_FUNCTIONS)
    library.mongoc_init()
    return library


class KafkaClient:
    """One topic, to be used in a `with`; sends to partition 0."""

    def __init__(self, address, topic, kind=PRODUCER):
        self.library = _kafka()
        configuration, words = self.library.rd_kafka_conf_new(), ctypes.create_string_buffer(TEXT_BYTES_MAX)
        for name, value in {"bootstrap.servers": address, "log_level": "2", "acks": "all", "reconnect.backoff.max.ms": "200",
                            "message.timeout.ms": str(TIMEOUT_MS)}.items():
            assert self.library.rd_kafka_conf_set(configuration, name.encode(), value.encode(), words, len(words)) == 0, words.value
        self.handle = self.library.rd_kafka_new(kind, configuration, words, len(words))
        assert self.handle, words.value
        self.name = topic.encode()
        self.topic = self.library.rd_kafka_topic_new(self.handle, self.name, None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.rd_kafka_topic_destroy(self.topic)
        self.library.rd_kafka_destroy(self.handle)

    def create_topic(self, partitions=1):
        words = ctypes.create_string_buffer(TEXT_BYTES_MAX)
        wanted = POINTER(self.library.rd_kafka_NewTopic_new(self.name, partitions, 1, words, len(words)))
        error = self._administer("CreateTopics", wanted)
        self.library.rd_kafka_NewTopic_destroy(wanted)
        assert error == 0, error

    def delete_topic(self):
        error = self.try_delete_topic()
        assert error == 0, error

    def try_delete_topic(self):
        """Returns Kafka's number of the error, 0 for none."""
        wanted = POINTER(self.library.rd_kafka_DeleteTopic_new(self.name))
        error = self._administer("DeleteTopics", wanted)
        self.library.rd_kafka_DeleteTopic_destroy(wanted)
        return error

    def try_delete_group(self, name):
        wanted = POINTER(self.library.rd_kafka_DeleteGroup_new(name.encode()))
        error = self._administer("DeleteGroups", wanted)
        self.library.rd_kafka_DeleteGroup_destroy(wanted)
        return error

    def _administer(self, what, wanted):
        """One request about one topic or group; returns the error of its answer."""
        def function(name):
            return getattr(self.library, f"rd_kafka_{name}")

        queue = self.library.rd_kafka_queue_new(self.handle)
        function(what)(self.handle, ctypes.byref(wanted), 1, None, queue)
        event = self.library.rd_kafka_queue_poll(queue, TIMEOUT_MS)
        assert event, "no answer"
        count = SIZE()
        kind = "group" if what.endswith("Groups") else "topic"
        results = function(f"{what}_result_{kind}s")(function(f"event_{what}_result")(event), ctypes.byref(count))
        error = -1
        if count.value:
            error = function(f"{kind}_result_error")(results[0])
            error = function("error_code")(error) if kind == "group" else error
        self.library.rd_kafka_event_destroy(event)
        self.library.rd_kafka_queue_destroy(queue)
        return error

    def send(self, payload):
        """Returns whether the broker acknowledged it within the timeout."""
        assert self.library.rd_kafka_produce(self.topic, 0, COPY_PAYLOAD, payload, len(payload), None, 0, None) == 0
        return self.library.rd_kafka_flush(self.handle, TIMEOUT_MS) == 0

    def receive(self, count, partition=0, timeout_ms=TIMEOUT_MS):
        """The first messages of the partition; fewer where no more come in time."""
        received = []
        assert self.library.rd_kafka_consume_start(self.topic, partition, OFFSET_BEGINNING) == 0
        while len(received) < count:
            message = self.library.rd_kafka_consume(self.topic, partition, timeout_ms)
            if not message:
                break
            if message.contents.error == 0:
                received.append(ctypes.string_at(message.contents.payload, message.contents.length))
            self.library.rd_kafka_message_destroy(message)
        self.library.rd_kafka_consume_stop(self.topic, partition)
        return received


def mongo_command(address, command, database="test", timeout_ms=TIMEOUT_MS):
    """What the server answers; raises ConnectionError, with the library's words, where it does not."""
    library, error = _mongo(), BsonError()
    options = f"/?serverSelectionTimeoutMS={timeout_ms}&socketTimeoutMS={timeout_ms}&connectTimeoutMS={timeout_ms}"
    client = library.mongoc_client_new((address + options).encode())
    question = library.bson_new_from_json(json.dumps(command).encode(), -1, None)
    reply = ctypes.create_string_buffer(BSON_BYTES + 128)
    aligned = ctypes.addressof(reply) + -ctypes.addressof(reply) % 128
    succeeded = library.mongoc_client_command_simple(client, database.encode(), question, None, aligned, ctypes.byref(error))
    text = library.bson_as_json(aligned, None)
    answer = json.loads(ctypes.string_at(text))
    library.bson_free(text)
    library.bson_destroy(aligned)
    library.bson_destroy(question)
    library.mongoc_client_destroy(client)
    if not succeeded:
        raise ConnectionError(error.message.decode())
    return answer
