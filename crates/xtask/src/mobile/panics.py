"""Has a library panic in a call, and sees that it becomes an error of that call: `panics.py LIBRARY`."""

import ctypes
import sys


class Buffer(ctypes.Structure):
    _fields_ = [("capacity", ctypes.c_uint64), ("length", ctypes.c_uint64), ("data", ctypes.c_void_p)]


class Status(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int8), ("error", Buffer)]


allocate = ctypes.CDLL(sys.argv[1]).ffi_twoshare_ffi_rustbuffer_alloc
allocate.argtypes, allocate.restype = [ctypes.c_uint64, ctypes.POINTER(Status)], Buffer

status = Status()
allocate(16, ctypes.byref(status))
if status.code != 0:
    sys.exit(f"16 bytes could not be allocated: {status.code}")

# No machine has as many.
allocate(2**64 - 1, ctypes.byref(status))
message = ctypes.string_at(status.error.data, status.error.length).decode()
print(f"a panic became error {status.code}: {message}")
if status.code != 2 or "capacity overflow" not in message:
    sys.exit("that is not what a panic becomes")
