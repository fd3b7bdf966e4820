// Draws the bar, ten times a second at most.
#include "tools/Progress.h"

#include "tools/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <unistd.h>

namespace nnc::tools {

using std::chrono::duration;
using std::chrono::steady_clock;

/// Where \r and an erased line are understood.
static bool isTerminal() {
  const char *kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) && kind && std::strcmp(kind, "dumb") != 0;
}

/// Of the terminal; 80 where it does not say.
static size_t numColumns() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
             ? size.ws_col
             : 80;
}

static bool isContinued(char byte) { return (byte & 0xc0) == 0x80; }

/// In characters, of which each is one column: names are letters.
static size_t widthOf(const std::string &text) {
  return text.size() -
         size_t(std::count_if(text.begin(), text.end(), isContinued));
}

/// The first characters of `text`.
static std::string cut(const std::string &text, size_t width) {
  size_t end = 0;
  for (; end < text.size() && width > 0; --width)
    for (++end; end < text.size() && isContinued(text[end]);)
      ++end;
  return text.substr(0, end);
}

/// As many of the fields of `text` as fit; two blanks stand between them.
static std::string fieldsWithin(std::string text, size_t width) {
  while (widthOf(text) > width) {
    const size_t end = text.rfind("  ");
    text.resize(end == std::string::npos ? 0 : end);
  }
  return text;
}

static std::string barOf(double share, size_t width) {
  std::string bar;
  for (size_t i = 0; i < width; ++i)
    bar += i < size_t(share * width)    ? "━"
           : i == size_t(share * width) ? "╸"
                                        : " ";
  return bar;
}

/// "820/s", "51.2k/s".
static std::string speedText(double unitsASecond) {
  char text[32];
  const bool isLarge = unitsASecond >= 10000;
  std::snprintf(text, sizeof text, isLarge ? "%.1fk/s" : "%.3g/s",
                isLarge ? unitsASecond / 1000 : unitsASecond);
  return text;
}

Progress::Progress(std::string label, int64_t total, bool isShown,
                   int64_t doneBefore)
    : label(printable(label)), total(std::max<int64_t>(total, 1)),
      doneBefore(doneBefore), isShown(isShown && isTerminal()),
      begin(steady_clock::now()), lastDrawn(begin) {}

bool Progress::isDue() const {
  return isShown &&
         steady_clock::now() - lastDrawn > std::chrono::milliseconds(100);
}

void Progress::update(int64_t done, const std::string &note) {
  if (!isDue())
    return;
  lastDrawn = steady_clock::now();
  const double share = double(std::min(done, total)) / total;
  const double elapsed = duration<double>(lastDrawn - begin).count();
  // What was done before the bar began, by a run that goes on, took no time.
  const int64_t here = done - doneBefore;
  const double left = here > 0 ? elapsed / here * (total - done) : 0;
  char percent[16];
  std::snprintf(percent, sizeof percent, " %3.0f%%  ", std::floor(100 * share));
  // The last column stays free: some terminals wrap when it is written. The bar
  // gives way to the note until it is narrow, then the speed does, then what the
  // note ends with, and at last the rest of the bar.
  constexpr size_t widest = 28, narrowest = 8, least = 2;
  const size_t width = numColumns() - 1;
  std::string end =
      percent + durationText(std::round(std::max(left, 0.0))) + " left  ";
  const std::string text = printable(note);
  const std::string speed = speedText(elapsed > 0 ? here / elapsed : 0) + "  ";
  if (widthOf(label + ' ' + end + speed + text) + narrowest <= width)
    end += speed;
  const size_t before = widthOf(label + ' ' + end) + narrowest;
  const std::string rest =
      end + fieldsWithin(text, width > before ? width - before : 0);
  const size_t others =
      widthOf(label + ' ' + rest.substr(0, rest.find_last_not_of(' ') + 1));
  const size_t room = width > others ? width - others : 0;
  const std::string line =
      label + ' ' + barOf(share, std::clamp(room, least, widest)) + rest;
  std::fprintf(stderr, "\r\033[K%s", cut(line, width).c_str());
  std::fflush(stderr);
  isDrawn = true;
}

void Progress::clear() {
  if (isDrawn)
    std::fprintf(stderr, "\r\033[K");
  isDrawn = false;
}

} // namespace nnc::tools
