// Choices come from a family: values dearer than a threshold are kept, and so
// is what crosses the cuts between segments of some size. The best of them is
// then made better launch by launch. All is judged by forecasts, which are
// quick.
#include "codegen/ChooseKept.h"

#include "codegen/KeptSegments.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace nnc;
using llvm::SmallVector;

namespace {

/// A search within a budget.
class Search {
public:
  Search(const LaunchGraph &graph, int64_t budgetBytes);

  Choice run();

private:
  KeptValues keepDearerThan(double threshold) const;
  SmallVector<double> thresholds() const;
  void tryFamily();
  void squeeze();
  void giveBack();
  bool tryInstead(KeptValues kept);
  SmallVector<unsigned> repeatedLaunches() const;

  bool fits(const Choice &choice) const {
    return choice.forecast.peakBytes <= budgetBytes;
  }
  bool isBetter(const Choice &choice, const Choice &than) const;
  /// Of computing it again, a byte that need not be kept.
  double price(const LaunchGraph::Value &value) const {
    return graph.launches[value.launch].work.cost() /
           std::max<double>(1, value.sizeBytes);
  }

  const LaunchGraph &graph;
  int64_t budgetBytes;
  /// Values that cannot be computed again.
  KeptValues fixed;
  Choice best;
  /// Forecasts that may be made one by one, as their time grows with the
  /// program's length.
  int64_t trialsLeft;
};

} // namespace

Search::Search(const LaunchGraph &graph, int64_t budgetBytes)
    : graph(graph), budgetBytes(budgetBytes), fixed(graph.values.size()),
      best(keepAll(graph)),
      trialsLeft((int64_t(1) << 22) / (1 + graph.launches.size())) {
  for (auto [i, value] : llvm::enumerate(graph.values))
    if (!graph.canRepeat(value))
      fixed.set(i);
}

/// Fitting comes first, then what it costs; among those that do not fit,
/// memory.
bool Search::isBetter(const Choice &choice, const Choice &than) const {
  if (fits(choice) != fits(than))
    return fits(choice);
  auto key = [&](const Choice &of) {
    double cost = of.forecast.again.cost();
    double peak = of.forecast.peakBytes;
    return fits(of) ? std::make_pair(cost, peak) : std::make_pair(peak, cost);
  };
  return key(choice) < key(than);
}

bool Search::tryInstead(KeptValues kept) {
  Choice choice{std::move(kept), {}};
  choice.forecast = forecast(graph, choice.kept);
  bool better = isBetter(choice, best);
  if (better)
    best = std::move(choice);
  return better;
}

//===----------------------------------------------------------------------===//
// The family
//===----------------------------------------------------------------------===//

KeptValues Search::keepDearerThan(double threshold) const {
  KeptValues kept = fixed;
  for (auto [i, value] : llvm::enumerate(graph.values))
    if (graph.isSaved(value) && price(value) > threshold)
      kept.set(i);
  return kept;
}

/// Prices that part what may be computed again into about equal numbers.
SmallVector<double> Search::thresholds() const {
  constexpr size_t kParts = 8;
  SmallVector<double> prices, chosen;
  for (auto [i, value] : llvm::enumerate(graph.values))
    if (!fixed[i] && graph.isSaved(value))
      prices.push_back(price(value));
  llvm::sort(prices);
  for (size_t part = 1; part <= kParts && !prices.empty(); ++part)
    chosen.push_back(prices[(prices.size() * part - 1) / kParts]);
  chosen.erase(llvm::unique(chosen), chosen.end());
  return chosen;
}

void Search::tryFamily() {
  constexpr double kStep = 1.25, kLeastShare = 1.0 / 1024;
  for (double threshold : thresholds()) {
    KeptValues dear = keepDearerThan(threshold);
    KeptSegments segments(graph, dear);
    KeptValues last;
    double total = segments.totalBytes();
    for (double size = total; size >= total * kLeastShare && size >= 1;
         size /= kStep) {
      KeptValues kept = segments.choose(size);
      if (kept != last)
        tryInstead(kept);
      last = std::move(kept);
    }
  }
}

//===----------------------------------------------------------------------===//
// Launch by launch
//===----------------------------------------------------------------------===//

SmallVector<unsigned> Search::repeatedLaunches() const {
  SmallVector<unsigned> repeated;
  for (const OrderedLaunch &ordered : orderLaunches(graph, best.kept))
    if (ordered.isAgain)
      repeated.push_back(ordered.launch);
  return repeated;
}

static void setResults(KeptValues &kept, const LaunchGraph::Launch &launch) {
  kept.set(launch.firstResult, launch.firstResult + launch.numResults);
}

/// Keeps less, or more, wherever either takes less memory.
void Search::squeeze() {
  SmallVector<unsigned> order;
  for (auto [i, value] : llvm::enumerate(graph.values))
    if (!fixed[i] && value.sizeBytes > 0)
      order.push_back(i);
  llvm::sort(order, [&](unsigned lhs, unsigned rhs) {
    return std::make_pair(-graph.values[lhs].sizeBytes, lhs) <
           std::make_pair(-graph.values[rhs].sizeBytes, rhs);
  });
  for (unsigned value : order) {
    if (trialsLeft-- <= 0 || fits(best))
      return;
    KeptValues kept = best.kept;
    tryInstead(std::move(kept.flip(value)));
  }
}

/// Keeps what need not be computed again: the dearest for its bytes first, and
/// of equals the last, which is needed for the shortest time.
void Search::giveBack() {
  SmallVector<unsigned> order = repeatedLaunches();
  auto priceOf = [&](unsigned number) {
    const LaunchGraph::Launch &launch = graph.launches[number];
    int64_t bytes = 1;
    for (unsigned i = 0; i < launch.numResults; ++i)
      if (graph.isSaved(graph.values[launch.firstResult + i]))
        bytes += graph.values[launch.firstResult + i].sizeBytes;
    return launch.work.cost() / bytes;
  };
  llvm::sort(order, [&](unsigned lhs, unsigned rhs) {
    return std::make_pair(priceOf(lhs), lhs) >
           std::make_pair(priceOf(rhs), rhs);
  });
  for (unsigned launch : order) {
    if (trialsLeft-- <= 0)
      return;
    KeptValues kept = best.kept;
    setResults(kept, graph.launches[launch]);
    tryInstead(std::move(kept));
  }
}

Choice Search::run() {
  if (fits(best))
    return best;
  tryFamily();
  squeeze();
  if (fits(best))
    giveBack();
  return std::move(best);
}

Choice nnc::keepAll(const LaunchGraph &graph) {
  KeptValues kept(graph.values.size(), true);
  return {kept, forecast(graph, kept)};
}

Choice nnc::chooseKept(const LaunchGraph &graph, int64_t budgetBytes) {
  return Search(graph, budgetBytes).run();
}
