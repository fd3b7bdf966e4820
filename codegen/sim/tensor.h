// What tensor cores do, on the host: each thread of a warp gives its fragment
// to all, and takes from theirs what its own part of the result needs. Products
// are exact, and added in f32 in the order of the terms. And copies that are
// under way while their thread goes on. Goes after codegen/cuda/prelude.cuh.

/// What each lane of the warp gives.
template <typename T>
NNC_UNCHECKED inline void nnc_gather(const T &given, T (&all)[nnc_warp],
                                     int line) {
  nnc_simulator->gather(&given, sizeof given, all, line);
}

template <bool isTransposed, typename T>
inline u32x4 nnc_load_matrices(const T *mine, int line) {
  const T *lines[nnc_warp];
  nnc_gather(mine, lines, line);
  int g = nnc_lane() / 4, t = nnc_lane() % 4;
  u32x4 pairs;
  for (int matrix = 0; matrix < 4; ++matrix) {
    const T *const *first = lines + 8 * matrix;
    T low = isTransposed ? first[2 * t][g] : first[g][2 * t];
    T high = isTransposed ? first[2 * t + 1][g] : first[g][2 * t + 1];
    pairs[matrix] = u32(low.bits) | u32(high.bits) << 16;
  }
  return pairs;
}

#define load_matrices(shared, at)                                              \
  nnc_load_matrices<false>((shared) + (at), __LINE__)
#define load_matrices_transposed(shared, at)                                   \
  nnc_load_matrices<true>((shared) + (at), __LINE__)

/// What a thread holds of both matrices.
struct nnc_fragment {
  u32 a[4], b[2];
};

/// Two numbers of 16 bits, and one of 32.
template <typename T> struct nnc_pair {
  static constexpr int numbers = 2;
  static f32 get(u32 word, int i) {
    T half;
    half.bits = u16(word >> 16 * i);
    return f32(half);
  }
};
struct nnc_single {
  static constexpr int numbers = 1;
  static f32 get(u32 word, int) { return bits_as<f32>(word & 0xffffe000u); }
};

/// Row r of the left matrix is held by lanes 4 (r % 8) + t, for terms
/// `numbers` t and on, and those `4 numbers` later; column c of the right one
/// by lanes 4 c + t.
template <typename Words>
inline f32x4 nnc_multiply(f32x4 sum, u32x4 a, u32 b, u32 b1, int line) {
  nnc_fragment all[nnc_warp];
  nnc_gather(nnc_fragment{{a[0], a[1], a[2], a[3]}, {b, b1}}, all, line);
  int g = nnc_lane() / 4, t = nnc_lane() % 4;
  for (int i = 0; i < 4; ++i)
    for (int half = 0; half < 2; ++half)
      for (int lane = 0; lane < 4; ++lane)
        for (int number = 0; number < Words::numbers; ++number) {
          u32 left = all[4 * g + lane].a[i / 2 + 2 * half];
          u32 right = all[4 * (2 * t + i % 2) + lane].b[half];
          sum[i] += Words::get(left, number) * Words::get(right, number);
        }
  return sum;
}

#define multiply_bf16(sum, a, b, b1)                                           \
  nnc_multiply<nnc_pair<bf16>>(sum, a, b, b1, __LINE__)
#define multiply_f16(sum, a, b, b1)                                            \
  nnc_multiply<nnc_pair<f16>>(sum, a, b, b1, __LINE__)
#define multiply_tf32(sum, a, b, b1)                                           \
  nnc_multiply<nnc_single>(sum, a, b, b1, __LINE__)

//===----------------------------------------------------------------------===//
// Copies under way
//===----------------------------------------------------------------------===//

NNC_UNCHECKED inline void nnc_begin_copy(void *shared, const void *global,
                                         int line) {
  nnc_simulator->beginCopy(shared, global, 16, line);
}
/// All that is there, or nothing: zeros.
NNC_UNCHECKED inline void nnc_begin_copy(void *shared, const void *global,
                                         i64 count, int line) {
  nnc_simulator->beginCopy(shared, count ? global : nullptr, 16, line);
}
#define begin_copy(shared, ...) nnc_begin_copy(shared, __VA_ARGS__, __LINE__)

NNC_UNCHECKED inline void end_group() { nnc_simulator->endGroup(); }
template <int pending> NNC_UNCHECKED inline void wait_for_groups() {
  nnc_simulator->waitForGroups(pending);
}
