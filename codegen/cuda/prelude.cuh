// What generated kernels are written in terms of. Includes nothing, so that
// NVRTC compiles it without any header; the simulator compiles it too.

using u8 = unsigned char;
using i8 = signed char;
using u16 = unsigned short;
using i16 = short;
using u32 = unsigned int;
using i32 = int;
using u64 = unsigned long long;
using i64 = long long;
using f32 = float;
using f64 = double;

// Integers are unsigned unless an operation asks for the other reading, so that
// arithmetic wraps around.

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

/// The same bits as another type of the same size.
template <typename To, typename From> __device__ inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

__device__ inline f32 infinity_f32() { return bits_as<f32>(0x7f800000u); }
__device__ inline f64 infinity_f64() {
  return bits_as<f64>(0x7ff0000000000000ull);
}

//===----------------------------------------------------------------------===//
// 16-bit floats: storage; arithmetic is in f32, rounded after each operation
//===----------------------------------------------------------------------===//

/// The upper half of an f32, rounded to nearest even.
struct bf16 {
  u16 bits;

  bf16() = default;
  __device__ explicit bf16(f32 value) {
#ifdef __CUDACC__
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
    u32 word = bits_as<u32>(value);
    // A NaN keeps its sign and stays one.
    if ((word & 0x7fffffffu) > 0x7f800000u)
      bits = u16(word >> 16 | 0x40u);
    else
      bits = u16((word + 0x7fffu + (word >> 16 & 1u)) >> 16);
#endif
  }
  __device__ explicit bf16(f64 value) : bf16(f32(value)) {}
  __device__ explicit operator f32() const {
    return bits_as<f32>(u32(bits) << 16);
  }
  __device__ explicit operator f64() const { return f64(f32(*this)); }
};

/// IEEE 754 binary16, rounded to nearest even.
struct f16 {
  u16 bits;

  f16() = default;
  __device__ explicit f16(f32 value) {
#ifdef __CUDACC__
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
    u32 word = bits_as<u32>(value);
    u32 sign = word >> 16 & 0x8000u, magnitude = word & 0x7fffffffu;
    if (magnitude > 0x7f800000u) // NaN
      bits = u16(sign | 0x7e00u);
    else if (magnitude >= 0x477ff000u) // 65520 and more round to infinity
      bits = u16(sign | 0x7c00u);
    else if (magnitude < 0x38800000u)
      // Below the least normal number: adding 0.5 leaves the rounded multiple
      // of 2^-24 in the low bits.
      bits = u16(sign | (bits_as<u32>(bits_as<f32>(magnitude) + 0.5f) -
                         0x3f000000u));
    else
      bits = u16(sign | ((magnitude + 0xfffu + (magnitude >> 13 & 1u) -
                          0x38000000u) >>
                         13));
#endif
  }
  __device__ explicit f16(f64 value) : f16(f32(value)) {}
  __device__ explicit operator f32() const {
#ifdef __CUDACC__
    f32 value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#else
    u32 sign = u32(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00u) // infinity and NaN
      return bits_as<f32>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    if (magnitude < 0x400u) // zero and subnormal numbers: multiples of 2^-24
      return bits_as<f32>(sign | bits_as<u32>(f32(magnitude) * 0x1p-24f));
    return bits_as<f32>(sign | ((magnitude << 13) + 0x38000000u));
#endif
  }
  __device__ explicit operator f64() const { return f64(f32(*this)); }
};

/// Two numbers side by side, the first in the lower half, each the nearest.
__device__ inline u32 pair_bf16(f32 low, f32 high) {
#ifdef __CUDACC__
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return u32(bf16(low).bits) | u32(bf16(high).bits) << 16;
#endif
}
__device__ inline u32 pair_f16(f32 low, f32 high) {
#ifdef __CUDACC__
  u32 pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return u32(f16(low).bits) | u32(f16(high).bits) << 16;
#endif
}

__device__ inline bf16 operator+(bf16 a, bf16 b) { return bf16(f32(a) + f32(b)); }
__device__ inline bf16 operator-(bf16 a, bf16 b) { return bf16(f32(a) - f32(b)); }
__device__ inline bf16 operator*(bf16 a, bf16 b) { return bf16(f32(a) * f32(b)); }
__device__ inline bf16 operator/(bf16 a, bf16 b) { return bf16(f32(a) / f32(b)); }
__device__ inline bf16 operator-(bf16 a) { return bf16(-f32(a)); }
__device__ inline f16 operator+(f16 a, f16 b) { return f16(f32(a) + f32(b)); }
__device__ inline f16 operator-(f16 a, f16 b) { return f16(f32(a) - f32(b)); }
__device__ inline f16 operator*(f16 a, f16 b) { return f16(f32(a) * f32(b)); }
__device__ inline f16 operator/(f16 a, f16 b) { return f16(f32(a) / f32(b)); }
__device__ inline f16 operator-(f16 a) { return f16(-f32(a)); }
__device__ inline bool operator<(bf16 a, bf16 b) { return f32(a) < f32(b); }
__device__ inline bool operator>(bf16 a, bf16 b) { return f32(a) > f32(b); }
__device__ inline bool operator<=(bf16 a, bf16 b) { return f32(a) <= f32(b); }
__device__ inline bool operator>=(bf16 a, bf16 b) { return f32(a) >= f32(b); }
__device__ inline bool operator==(bf16 a, bf16 b) { return f32(a) == f32(b); }
__device__ inline bool operator!=(bf16 a, bf16 b) { return f32(a) != f32(b); }
__device__ inline bool operator<(f16 a, f16 b) { return f32(a) < f32(b); }
__device__ inline bool operator>(f16 a, f16 b) { return f32(a) > f32(b); }
__device__ inline bool operator<=(f16 a, f16 b) { return f32(a) <= f32(b); }
__device__ inline bool operator>=(f16 a, f16 b) { return f32(a) >= f32(b); }
__device__ inline bool operator==(f16 a, f16 b) { return f32(a) == f32(b); }
__device__ inline bool operator!=(f16 a, f16 b) { return f32(a) != f32(b); }

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

/// The smaller and the larger; NaN if either is.
template <typename T> __device__ inline T minimum(T a, T b) {
  return a < b || a != a ? a : b;
}
template <typename T> __device__ inline T maximum(T a, T b) {
  return a > b || a != a ? a : b;
}

/// A number as an index of 32 bits. One that does not fit stays outside of
/// whatever such an index is for, and does not wrap around to a place in it.
__device__ inline i32 narrow_index(i64 a) {
  return i32(minimum(maximum(a, -0x80000000ll), 0x7fffffffll));
}

template <typename T> __device__ inline bool is_ordered(T a, T b) {
  return a == a && b == b;
}

template <typename T> __device__ inline bool is_less_or_greater(T a, T b) {
  return a < b || a > b;
}

/// That of the smallest integer is itself.
template <typename T> __device__ inline T absolute(T a) {
  return a < 0 ? T(0 - u64(a)) : a;
}

/// Quotients of signed numbers, rounded down and up.
template <typename T> __device__ inline T floor_divide(T a, T b) {
  T quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}
template <typename T> __device__ inline T ceil_divide(T a, T b) {
  T quotient = a / b;
  return quotient + (a % b != 0 && (a < 0) == (b < 0));
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// What `bytes` bytes side by side are aligned to, to be one access.
template <int bytes>
constexpr int vector_alignment =
    bytes >= 16 ? 16 : bytes >= 8 ? 8 : bytes >= 4 ? 4 : bytes >= 2 ? 2 : 1;

template <typename T, typename U> constexpr bool is_same = false;
template <typename T> constexpr bool is_same<T, T> = true;

/// `N` elements side by side, aligned so that 16 bytes are one access.
template <typename T, int N>
struct alignas(vector_alignment<int(sizeof(T)) * N>) vec {
  T lane[N];

  vec() = default;
  /// The same in each lane.
  __device__ explicit vec(T value) {
    for (int i = 0; i < N; ++i)
      lane[i] = value;
  }
  __device__ explicit vec(const T (&values)[N]) {
    for (int i = 0; i < N; ++i)
      lane[i] = values[i];
  }
  /// Lane by lane, converted.
  template <typename U> __device__ explicit vec(const vec<U, N> &other) {
    constexpr bool has_pairs = N % 2 == 0;
    if constexpr (has_pairs && is_same<T, bf16> && is_same<U, f32>)
      round_pairs(other, pair_bf16);
    else if constexpr (has_pairs && is_same<T, f16> && is_same<U, f32>)
      round_pairs(other, pair_f16);
    else if constexpr (has_pairs && is_same<T, f32> && is_same<U, bf16>)
      widen_pairs(other);
    else
      for (int i = 0; i < N; ++i)
        lane[i] = T(other.lane[i]);
  }
  __device__ T &operator[](int i) { return lane[i]; }
  __device__ const T &operator[](int i) const { return lane[i]; }

  /// Two numbers of 16 bits are a register.
  template <typename F>
  __device__ void round_pairs(const vec<f32, N> &other, F pair_of) {
    for (int i = 0; i < N; i += 2) {
      u32 pair = pair_of(other.lane[i], other.lane[i + 1]);
      memcpy(lane + i, &pair, sizeof pair);
    }
  }
  __device__ void widen_pairs(const vec<bf16, N> &other) {
    for (int i = 0; i < N; i += 2) {
      u32 pair;
      memcpy(&pair, other.lane + i, sizeof pair);
      lane[i] = bits_as<f32>(pair << 16);
      lane[i + 1] = bits_as<f32>(pair & 0xffff0000u);
    }
  }
};

using f32x2 = vec<f32, 2>;
using f32x4 = vec<f32, 4>;
using f32x8 = vec<f32, 8>;
using f64x2 = vec<f64, 2>;
using f64x4 = vec<f64, 4>;
using bf16x2 = vec<bf16, 2>;
using bf16x4 = vec<bf16, 4>;
using bf16x8 = vec<bf16, 8>;
using f16x2 = vec<f16, 2>;
using f16x4 = vec<f16, 4>;
using f16x8 = vec<f16, 8>;
using u8x4 = vec<u8, 4>;
using u32x2 = vec<u32, 2>;
using u32x4 = vec<u32, 4>;
using u64x2 = vec<u64, 2>;

/// The vector at an address that is aligned for it.
template <typename V, typename T> __device__ inline V load(const T *from) {
  return *reinterpret_cast<const V *>(from);
}
template <typename T, typename V> __device__ inline void store(T *to, V value) {
  *reinterpret_cast<V *>(to) = value;
}

/// `function` of each lane.
template <typename F, typename T, int N>
__device__ inline auto map(F function, vec<T, N> a) {
  vec<decltype(function(a[0])), N> result;
  for (int i = 0; i < N; ++i)
    result[i] = function(a[i]);
  return result;
}
template <typename F, typename T, typename U, int N>
__device__ inline auto map(F function, vec<T, N> a, vec<U, N> b) {
  vec<decltype(function(a[0], b[0])), N> result;
  for (int i = 0; i < N; ++i)
    result[i] = function(a[i], b[i]);
  return result;
}
template <typename F, typename T, typename U, typename W, int N>
__device__ inline auto map(F function, vec<T, N> a, vec<U, N> b, vec<W, N> c) {
  vec<decltype(function(a[0], b[0], c[0])), N> result;
  for (int i = 0; i < N; ++i)
    result[i] = function(a[i], b[i], c[i]);
  return result;
}

// Loops, and not `map`, which NVRTC takes half as long again to see through.
template <typename T, int N>
__device__ inline vec<T, N> operator+(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] + b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator-(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] - b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator*(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] * b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator/(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] / b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator%(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] % b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator&(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] & b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator|(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] | b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator^(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] ^ b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator<<(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] << b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator>>(const vec<T, N> &a,
                                      const vec<T, N> &b) {
  vec<T, N> result;
  for (int i = 0; i < N; ++i)
    result.lane[i] = T(a.lane[i] >> b.lane[i]);
  return result;
}
template <typename T, int N>
__device__ inline vec<T, N> operator-(vec<T, N> a) {
  return map([](T x) { return T(-x); }, a);
}
template <typename T, int N>
__device__ inline vec<T, N> &operator+=(vec<T, N> &a, vec<T, N> b) {
  return a = a + b;
}

/// Of each lane, one of two.
template <typename T, int N>
__device__ inline vec<T, N> select(vec<bool, N> condition, vec<T, N> on_true,
                                   vec<T, N> on_false) {
  return map([](bool is, T a, T b) { return is ? a : b; }, condition, on_true,
             on_false);
}

//===----------------------------------------------------------------------===//
// Tensor cores: what a warp does together, in PTX's fragments
//===----------------------------------------------------------------------===//

// The simulator has twins, in codegen/sim/tensor.h.
#ifdef __CUDACC__

/// Of each of four matrices of 8 x 8 16-bit numbers in shared memory, the two
/// that PTX's ldmatrix gives this thread. Lane l gives the address of line
/// l % 8 of matrix l / 8.
template <typename T, typename I>
__device__ inline u32x4 load_matrices(const T *shared, I at) {
  u32x4 pairs;
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
      : "r"(u32(__cvta_generic_to_shared(shared + at)))
      : "memory");
  return pairs;
}
template <typename T, typename I>
__device__ inline u32x4 load_matrices_transposed(const T *shared, I at) {
  u32x4 pairs;
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
      : "r"(u32(__cvta_generic_to_shared(shared + at)))
      : "memory");
  return pairs;
}

/// sum + a b for matrices of 16 x 16 and 16 x 8, or 16 x 8 and 8 x 8 of TF32.
__device__ inline f32x4 multiply_bf16(f32x4 sum, u32x4 a, u32 b, u32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "r"(b1));
  return sum;
}
__device__ inline f32x4 multiply_f16(f32x4 sum, u32x4 a, u32 b, u32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "r"(b1));
  return sum;
}
__device__ inline f32x4 multiply_tf32(f32x4 sum, u32x4 a, u32 b, u32 b1) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "r"(b1));
  return sum;
}

/// The power of two within 2^-22 of it (PTX ISA, ex2); 0 where it is no normal
/// number.
__device__ inline f32 approximate_exp2(f32 a) {
  f32 power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(a));
  return power;
}

/// Off by at most 2^-11 of itself (PTX ISA, tanh).
__device__ inline f32 approximate_tanh(f32 a) {
  f32 result;
  asm("tanh.approx.f32 %0, %1;" : "=f"(result) : "f"(a));
  return result;
}

/// Begins to copy 16 bytes to shared memory.
template <typename T>
__device__ inline void begin_copy(T *shared, const T *global) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                   u32(__cvta_generic_to_shared(shared))),
               "l"(global)
               : "memory");
}
/// The first `count` elements, and zeros for the others: nothing is read where
/// it is 0.
template <typename T, typename I>
__device__ inline void begin_copy(T *shared, const T *global, I count) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   u32(__cvta_generic_to_shared(shared))),
               "l"(global), "r"(u32(count) * u32(sizeof(T)))
               : "memory");
}
/// Makes a group of the copies that this thread has begun since the last.
__device__ inline void end_group() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Until at most `pending` of this thread's groups are under way.
template <int pending> __device__ inline void wait_for_groups() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/// The nearest number of 10 bits of fraction, away from zero where two are.
__device__ inline f32 round_to_tf32(f32 value) {
  u32 bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits_as<f32>(bits);
}

#else

inline f32 approximate_exp2(f32 a) { return exp2f(a); }
inline f32 approximate_tanh(f32 a) { return tanhf(a); }

/// As cvt.rna.tf32.f32 rounds; infinities and NaN stay what they are.
inline f32 round_to_tf32(f32 value) {
  u32 bits = bits_as<u32>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u)
    return value;
  return bits_as<f32>((bits + 0x1000u) & 0xffffe000u);
}

#endif

template <int N> __device__ inline vec<f32, N> round_to_tf32(vec<f32, N> a) {
  return map([](f32 x) { return round_to_tf32(x); }, a);
}
