// What CUDA's words mean on the host: a thread is a fiber of the simulator
// (runtime/device/Simulator.h). Goes between runtime/device/SimInterface.h and
// codegen/cuda/prelude.cuh, and like them includes nothing.

// What calls the simulator is not checked itself.
#define NNC_UNCHECKED __attribute__((noinline, no_sanitize_thread))

static const nnc::sim::Simulator *nnc_simulator;
static thread_local nnc::sim::Thread *nnc_thread;

extern "C" __attribute__((visibility("default"))) NNC_UNCHECKED void
nnc_sim_attach(const nnc::sim::Simulator *simulator) {
  nnc_simulator = simulator;
}

NNC_UNCHECKED inline nnc::sim::Thread nnc_this_thread() { return *nnc_thread; }

constexpr int nnc_warp = 32;

NNC_UNCHECKED inline int nnc_lane() {
  return int(nnc_thread->threadIdx.x) % nnc_warp;
}

#define __device__
#define __global__
#define __launch_bounds__(...)
// The blocks of a worker run one after another.
#define __shared__ static thread_local
#define threadIdx (nnc_this_thread().threadIdx)
#define blockIdx (nnc_this_thread().blockIdx)
#define blockDim (nnc_this_thread().blockDim)
#define gridDim (nnc_this_thread().gridDim)

//===----------------------------------------------------------------------===//
// Waiting for each other
//===----------------------------------------------------------------------===//

NNC_UNCHECKED inline void nnc_barrier(int line) {
  nnc_simulator->barrier(line);
}

#define __syncthreads() nnc_barrier(__LINE__)

/// `value` of another lane; this thread's own where there is none.
template <typename T>
NNC_UNCHECKED inline T nnc_shuffle(T value, int from, int line) {
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  if (from < 0 || from >= nnc_warp)
    from = nnc_lane();
  bits = nnc_simulator->exchange(bits, unsigned(from), line);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

#define __shfl_sync(mask, value, lane)                                         \
  nnc_shuffle(value, int(lane) % nnc_warp, __LINE__)
#define __shfl_xor_sync(mask, value, lanes)                                    \
  nnc_shuffle(value, nnc_lane() ^ int(lanes), __LINE__)
#define __shfl_up_sync(mask, value, lanes)                                     \
  nnc_shuffle(value, nnc_lane() - int(lanes), __LINE__)
#define __shfl_down_sync(mask, value, lanes)                                   \
  nnc_shuffle(value, nnc_lane() + int(lanes), __LINE__)

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

#define memcpy __builtin_memcpy

extern "C" {
float acosf(float), acoshf(float), asinf(float), asinhf(float), atanf(float),
    atan2f(float, float), atanhf(float), cbrtf(float), ceilf(float),
    copysignf(float, float), cosf(float), coshf(float), erff(float),
    erfcf(float), expf(float), exp2f(float), expm1f(float), fabsf(float),
    floorf(float), fmaf(float, float, float), fmaxf(float, float),
    fminf(float, float), fmodf(float, float), logf(float), log10f(float),
    log1pf(float), log2f(float), powf(float, float), rintf(float),
    roundf(float), sinf(float), sinhf(float), sqrtf(float), tanf(float),
    tanhf(float), truncf(float);
double acos(double), acosh(double), asin(double), asinh(double), atan(double),
    atan2(double, double), atanh(double), cbrt(double), ceil(double),
    copysign(double, double), cos(double), cosh(double), erf(double),
    erfc(double), exp(double), exp2(double), expm1(double), fabs(double),
    floor(double), fma(double, double, double), fmax(double, double),
    fmin(double, double), fmod(double, double), log(double), log10(double),
    log1p(double), log2(double), pow(double, double), rint(double),
    round(double), sin(double), sinh(double), sqrt(double), tan(double),
    tanh(double), trunc(double);
}
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

#ifdef NNC_SIM_CHECKED

NNC_UNCHECKED inline void nnc_at(int line) { nnc_simulator->atLine(line); }

template <typename T>
NNC_UNCHECKED inline void nnc_share(const char *name, const T &array) {
  nnc_simulator->share(name, &array, sizeof array);
}

// The compiler puts a call of these before each access: -fsanitize=thread is
// but its instrumentation here, and the rest of that sanitizer is not linked.
extern "C" {
NNC_UNCHECKED void __tsan_init() {}
NNC_UNCHECKED void __tsan_func_entry(void *) {}
NNC_UNCHECKED void __tsan_func_exit() {}
NNC_UNCHECKED void __tsan_vptr_update(void **, void *) {}
NNC_UNCHECKED void __tsan_vptr_read(void **) {}

#define NNC_ACCESS(bytes)                                                      \
  NNC_UNCHECKED void __tsan_read##bytes(void *p) {                             \
    nnc_simulator->access(p, bytes, false);                                    \
  }                                                                            \
  NNC_UNCHECKED void __tsan_write##bytes(void *p) {                            \
    nnc_simulator->access(p, bytes, true);                                     \
  }                                                                            \
  NNC_UNCHECKED void __tsan_unaligned_read##bytes(void *p) {                   \
    nnc_simulator->access(p, bytes, false);                                    \
  }                                                                            \
  NNC_UNCHECKED void __tsan_unaligned_write##bytes(void *p) {                  \
    nnc_simulator->access(p, bytes, true);                                     \
  }
NNC_ACCESS(1)
NNC_ACCESS(2)
NNC_ACCESS(4)
NNC_ACCESS(8)
NNC_ACCESS(16)
#undef NNC_ACCESS

NNC_UNCHECKED void __tsan_read_range(void *p, unsigned long bytes) {
  nnc_simulator->access(p, bytes, false);
}
NNC_UNCHECKED void __tsan_write_range(void *p, unsigned long bytes) {
  nnc_simulator->access(p, bytes, true);
}
NNC_UNCHECKED void *__tsan_memcpy(void *to, const void *from,
                                  unsigned long bytes) {
  nnc_simulator->access(from, bytes, false);
  nnc_simulator->access(to, bytes, true);
  return __builtin_memmove(to, from, bytes);
}
NNC_UNCHECKED void *__tsan_memmove(void *to, const void *from,
                                   unsigned long bytes) {
  return __tsan_memcpy(to, from, bytes);
}
NNC_UNCHECKED void *__tsan_memset(void *to, int value, unsigned long bytes) {
  nnc_simulator->access(to, bytes, true);
  return __builtin_memset(to, value, bytes);
}
}

#else

#define nnc_at(line)
#define nnc_share(name, array)

#endif
