// A progress bar on standard error, where that is a terminal; nothing
// elsewhere.
#ifndef NNC_TOOLS_PROGRESS_H
#define NNC_TOOLS_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <string>

namespace nnc::tools {

class Progress {
public:
  /// `label` stands before the bar; `total` is the number of units of work.
  /// Nothing is drawn unless `isShown`.
  /// `doneBefore` of it are finished already.
  Progress(std::string label, int64_t total, bool isShown,
           int64_t doneBefore = 0);
  ~Progress() { clear(); }

  /// `done` units are finished; `note` stands behind the bar, as far as there
  /// is room on the line. Draws at most ten times a second.
  void update(int64_t done, const std::string &note);
  /// Takes the bar off the screen.
  void clear();
  /// Whether an update now would be drawn: for notes that cost something.
  bool isDue() const;

private:
  std::string label;
  int64_t total, doneBefore;
  bool isShown;
  bool isDrawn = false;
  std::chrono::steady_clock::time_point begin, lastDrawn;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_PROGRESS_H
