// Text that is printed as it comes, up to where it is to stop.
#ifndef NNC_TOOLS_GENERATE_STOPTEXT_H
#define NNC_TOOLS_GENERATE_STOPTEXT_H

#include <string>
#include <vector>

namespace nnc::tools {

/// Lets text through piece by piece, and holds back what may be the begin of
/// one of the texts to stop at.
class StopText {
public:
  /// None of `stops` is empty.
  explicit StopText(std::vector<std::string> stops) : stops(std::move(stops)) {}

  /// What may be shown once `more` has come.
  std::string next(const std::string &more);
  /// What was held back, where nothing follows.
  std::string finish();
  /// Whether one of the texts has come: what follows it is dropped, and so is
  /// it.
  bool hasStopped() const { return isStopped; }

private:
  std::vector<std::string> stops;
  std::string held;
  bool isStopped = false;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_GENERATE_STOPTEXT_H
