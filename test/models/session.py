"""Plans and sessions by the C interface of libnnc-runtime.so, as far as tests of
sequences need it."""
import ctypes

import numpy


class Status(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char_p)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("type", ctypes.c_int), ("rank", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64))]


class Sequences(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("count", "context", "tokens", "length")] + \
        [("reserved", ctypes.c_int64 * 4)]


class Sampling(ctypes.Structure):
    _fields_ = [("temperature", ctypes.c_double), ("top_k", ctypes.c_int64), ("top_p", ctypes.c_double),
                ("seed", ctypes.c_int64), ("is_greedy", ctypes.c_int64), ("reserved", ctypes.c_int64 * 3)]


TYPES = {"float32": 0, "float64": 1, "int32": 4, "int64": 5}


class Library:
    def __init__(self, folder):
        self.functions = ctypes.CDLL(folder + "/libnnc-runtime.so")

    def call(self, name, *arguments):
        """Returns the message of a call that failed, else None."""
        function = getattr(self.functions, name)
        function.restype = Status
        status = function(*arguments)
        return status.message.decode() if status.code else None

    def expect(self, name, *arguments):
        message = self.call(name, *arguments)
        assert message is None, message


def to_tensor(array):
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    tensor = Tensor(array.ctypes.data, TYPES[array.dtype.name], array.ndim, shape)
    tensor.kept = (array, shape)
    return tensor


def tokens_of(tokens):
    return (ctypes.c_int32 * len(tokens))(*tokens), ctypes.c_size_t(len(tokens))


class Session:
    def __init__(self, library, path, sequences=True):
        self.library = library
        plan = ctypes.c_void_p()
        library.expect("nnc_plan_open", path.encode(), ctypes.byref(plan))
        self.handle = ctypes.c_void_p()
        library.expect("nnc_session_create", plan, None, ctypes.byref(self.handle))
        if sequences:
            self.sequences = Sequences()
            library.expect("nnc_session_sequences", self.handle, ctypes.byref(self.sequences))

    def predict(self, *arrays):
        """The output `logits`."""
        tensors = [to_tensor(array) for array in arrays]
        self.library.expect("nnc_session_predict", self.handle, (Tensor * len(tensors))(*tensors),
                            ctypes.c_size_t(len(tensors)))
        output = Tensor()
        self.library.expect("nnc_session_output", self.handle, b"logits", ctypes.byref(output))
        shape = [output.shape[i] for i in range(output.rank)]
        values = (ctypes.c_float * int(numpy.prod(shape))).from_address(output.data)
        return numpy.array(values).reshape(shape)

    def restart(self):
        self.library.expect("nnc_session_restart_sequences", self.handle)

    def feed(self, tokens):
        """The logits of the next tokens; a message where it fails."""
        logits = ctypes.POINTER(ctypes.c_float)()
        message = self.library.call("nnc_session_feed", self.handle, *tokens_of(tokens), ctypes.byref(logits))
        if message:
            return message
        shape = (self.sequences.count, self.sequences.tokens)
        return numpy.ctypeslib.as_array(logits, shape).copy()

    def rearrange(self, origins):
        self.library.expect("nnc_session_rearrange", self.handle, *tokens_of(origins))


def draw(library, logits, index, **options):
    logits = numpy.ascontiguousarray(logits, "f4")
    token = ctypes.c_int32()
    library.expect("nnc_draw_token", logits.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
                   ctypes.c_size_t(len(logits)), ctypes.byref(Sampling(**options)), ctypes.c_uint64(index),
                   ctypes.byref(token))
    return token.value
