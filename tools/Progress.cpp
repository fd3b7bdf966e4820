#include "tools/Progress.h"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

namespace nnc::tools {

using std::chrono::duration;
using std::chrono::steady_clock;

Progress::Progress(std::string label, int64_t total)
    : label(std::move(label)), total(std::max<int64_t>(total, 1)),
      isTerminal(isatty(STDERR_FILENO)), begin(steady_clock::now()) {}

bool Progress::isDue() const {
  return isTerminal &&
         steady_clock::now() - lastDrawn > std::chrono::milliseconds(100);
}

void Progress::update(int64_t done, const std::string &note) {
  if (!isDue())
    return;
  lastDrawn = steady_clock::now();
  constexpr int width = 28;
  int filled = int(width * std::min(done, total) / total);
  std::string bar;
  for (int i = 0; i < width; ++i)
    bar += i < filled ? "━" : i == filled ? "╸" : " ";
  double elapsed = duration<double>(lastDrawn - begin).count();
  double left = done > 0 ? elapsed / done * (total - done) : 0;
  std::fprintf(stderr, "\r\033[K%s %s %3lld%%  %s  %.0f s left", label.c_str(),
               bar.c_str(), (long long)(100 * done / total), note.c_str(),
               left);
  std::fflush(stderr);
  isDrawn = true;
}

void Progress::clear() {
  if (isDrawn)
    std::fprintf(stderr, "\r\033[K");
  isDrawn = false;
}

} // namespace nnc::tools
