// The numbers and strings themselves.
#include "test/fuzz/Choices.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nnc::fuzz {

int64_t Choices::integer(int64_t before) {
  // Unsigned: a sum may wrap.
  const uint64_t step = below(2) ? 1 + below(3) : 8u << below(4);
  switch (below(5)) {
  case 0:
    return int64_t(uint64_t(before) + step);
  case 1:
    return int64_t(uint64_t(before) - step);
  case 2:
    return int64_t(below(3)) - 1;
  case 3: {
    uint64_t power = uint64_t(1) << below(64);
    return int64_t((oneIn(3) ? -power : power) + below(3) - 1);
  }
  default:
    return int64_t(below(2) ? uint64_t(before) * (2 + below(3))
                            : uint64_t(before) ^ uint64_t(1) << below(64));
  }
}

double Choices::real(double before) {
  using Limits = std::numeric_limits<double>;
  const double values[] = {0.0,
                           -0.0,
                           1.0,
                           -1.0,
                           -before,
                           before * 2,
                           Limits::quiet_NaN(),
                           Limits::infinity(),
                           -Limits::infinity(),
                           Limits::max(),
                           Limits::denorm_min(),
                           std::nextafter(1.0, 0.0),
                           0x1p31,
                           0x1p63,
                           1e39,
                           1e-46};
  return values[below(std::size(values))];
}

/// What names, paths and generated text get wrong.
static const std::vector<std::string> pieces = {"",
                                                " ",
                                                ".",
                                                "..",
                                                "../../x",
                                                "/dev/zero",
                                                "/etc/passwd",
                                                "a/b",
                                                "a\\b",
                                                "-o",
                                                "*",
                                                "%s%n",
                                                "\"",
                                                "\\u0000",
                                                "\n#include \"x\"\n",
                                                "*/",
                                                "\?\?/\n",
                                                "\r",
                                                "\t",
                                                "\x1b[2J",
                                                "\x7f",
                                                std::string(1, '\0'),
                                                "\x80",
                                                "\xc0\xaf",
                                                "\xed\xa0\x80",
                                                "\xf4\x90\x80\x80",
                                                "\xe2\x80\xae",
                                                "\xef\xbb\xbf",
                                                "é",
                                                "__metadata__",
                                                "nnc.scalar/step",
                                                "nnc.optimizer/w.m",
                                                "nnc.kind",
                                                "seed",
                                                "step",
                                                "learning_rate",
                                                "loss",
                                                "train_step",
                                                "init",
                                                "gradients",
                                                "batch",
                                                "path"};

std::string Choices::text(const std::string &before, size_t maxSize) {
  std::string piece = of(pieces), result = before;
  switch (below(8)) {
  case 0:
    result =
        std::string(size_t(1) << below(18), piece.empty() ? 'a' : piece[0]);
    break;
  case 1:
  case 2:
    result = piece;
    break;
  case 3:
    result += piece;
    break;
  case 4:
    result = piece + result;
    break;
  case 5:
    result.insert(below(result.size() + 1), piece);
    break;
  case 6:
    result.resize(below(result.size() + 1));
    break;
  default:
    result = bytes(result, result.size() + 8);
  }
  result.resize(std::min(result.size(), maxSize));
  return result;
}

std::string Choices::bytes(std::string before, size_t maxSize) {
  const size_t size = std::min(before.size(), maxSize);
  before.resize(std::max<size_t>(maxSize, 1));
  before.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t *>(before.data()),
                                 size, before.size()));
  return before;
}

} // namespace nnc::fuzz
