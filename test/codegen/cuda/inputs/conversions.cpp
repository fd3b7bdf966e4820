// The prelude's 16-bit floats against the compiler's, which convert in software
// or by the machine's instructions. Exits with 1 and a message where they
// differ.
#include <cmath>
#include <cstdio>
#include <cstring>

#define __device__
#include "codegen/cuda/prelude.cuh"

static int fail(const char *what, u32 bits, u32 found, u32 expected) {
  std::printf("%s of %08x is %08x, expected %08x\n", what, bits, found,
              expected);
  return 1;
}

static bool isNan(f32 value) { return value != value; }

/// Halfway cases are decided by the bit that is kept last: to even.
static u16 roundToBf16(f32 value) {
  u32 bits = bits_as<u32>(value);
  u32 kept = bits >> 16, dropped = bits & 0xffffu;
  if (dropped > 0x8000u || (dropped == 0x8000u && (kept & 1u)))
    ++kept;
  return u16(kept);
}

static int checkFromSingle(u32 bits) {
  f32 value = bits_as<f32>(bits);
  if (isNan(value))
    return isNan(f32(f16(value))) && isNan(f32(bf16(value)))
               ? 0
               : fail("a NaN", bits, f16(value).bits, bf16(value).bits);
  u16 half = bits_as<u16>(static_cast<_Float16>(value));
  if (f16(value).bits != half)
    return fail("f16", bits, f16(value).bits, half);
  if (bf16(value).bits != roundToBf16(value))
    return fail("bf16", bits, bf16(value).bits, roundToBf16(value));
  return 0;
}

static int checkToSingle(u16 bits) {
  f32 half = f32(bits_as<f16>(bits));
  f32 expected = static_cast<f32>(bits_as<_Float16>(bits));
  if (isNan(expected) ? !isNan(half)
                      : bits_as<u32>(half) != bits_as<u32>(expected))
    return fail("f32 of f16", bits, bits_as<u32>(half), bits_as<u32>(expected));
  u32 wide = bits_as<u32>(f32(bits_as<bf16>(bits)));
  return wide == u32(bits) << 16 ? 0 : fail("f32 of bf16", bits, wide, 0);
}

/// Vectors convert two numbers at a time, as each alone.
static int checkPairs(u32 low, u32 high) {
  vec<f32, 2> values{{bits_as<f32>(low), bits_as<f32>(high)}};
  bf16x2 rounded(values);
  f16x2 halves(values);
  vec<f32, 2> again(rounded);
  for (int i = 0; i < 2; ++i) {
    if (rounded[i].bits != bf16(values[i]).bits)
      return fail("bf16x2", low, rounded[i].bits, bf16(values[i]).bits);
    if (halves[i].bits != f16(values[i]).bits)
      return fail("f16x2", low, halves[i].bits, f16(values[i]).bits);
    if (bits_as<u32>(again[i]) != bits_as<u32>(f32(rounded[i])))
      return fail("f32 of bf16x2", low, bits_as<u32>(again[i]), 0);
  }
  return 0;
}

int main() {
  for (u32 bits = 0; bits < 0x10000u; ++bits) {
    if (checkToSingle(u16(bits)))
      return 1;
    // Around every number of 16 bits, and halfway to the next.
    f32 at = f32(bits_as<f16>(u16(bits)));
    f32 halfway = bits_as<f32>(bits_as<u32>(at) + 0x1000u);
    for (int step = -1; step <= 1; ++step)
      if (checkFromSingle(bits_as<u32>(at) + step) ||
          checkFromSingle(bits_as<u32>(halfway) + step) ||
          checkFromSingle((bits << 16) + step) ||
          checkFromSingle((bits << 16) + 0x8000u + step))
        return 1;
  }
  // And all over, in steps of a prime.
  for (u64 bits = 0; bits < 0x100000000ull; bits += 4099)
    if (checkFromSingle(u32(bits)) || checkPairs(u32(bits), ~u32(bits)))
      return 1;
  return 0;
}
