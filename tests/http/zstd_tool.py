"""zstd by the library that usertrail uses, since Python 3.11 has none."""

import ctypes
from functools import cache


@cache
def _library():
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    library.ZSTD_isError.restype = ctypes.c_uint
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    return library


def compress(data, level=3):
    room = ctypes.create_string_buffer(_library().ZSTD_compressBound(len(data)))
    length = _library().ZSTD_compress(room, len(room), data, len(data), level)
    assert not _library().ZSTD_isError(length)
    return room.raw[:length]
