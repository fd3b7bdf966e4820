// See KeptSegments.h: the shortest way from cut to cut, where the length is
// what is kept. What crosses several cuts is counted at the first.
#include "codegen/KeptSegments.h"

#include <algorithm>
#include <limits>

using namespace nnc;

KeptSegments::KeptSegments(const LaunchGraph &graph, const KeptValues &fixed)
    : graph(graph), fixed(fixed) {
  for (const LaunchGraph::Value &value : graph.values) {
    unsigned last = value.launch;
    for (unsigned user : value.users)
      if (graph.isOnWayThere[user])
        last = user;
    lastReads.push_back(last);
  }
  findCuts();
  measure();
}

/// Where the least crosses, in each of so many parts of the way: the work below
/// grows with the square of their number.
void KeptSegments::findCuts() {
  constexpr size_t kMostCuts = 256;
  std::vector<int64_t> change(graph.launches.size() + 1);
  for (auto [i, value] : llvm::enumerate(graph.values))
    if (graph.isOfWayThere(value) && !fixed[i]) {
      change[value.launch] += value.sizeBytes;
      change[lastReads[i]] -= value.sizeBytes;
    }
  std::vector<std::pair<int64_t, unsigned>> places; // what crosses, and where
  int64_t alive = 0;
  for (unsigned i = 0; i < graph.launches.size(); ++i) {
    alive += change[i];
    if (graph.isOnWayThere[i])
      places.push_back({alive, i});
  }
  if (!places.empty())
    places.pop_back();
  size_t numParts = std::min(places.size(), kMostCuts);
  for (size_t part = 0; part < numParts; ++part) {
    auto begin = places.begin() + places.size() * part / numParts;
    auto end = places.begin() + places.size() * (part + 1) / numParts;
    cuts.push_back(std::min_element(begin, end)->second);
  }
}

/// Between which cuts the launch is: before the cut of this number.
unsigned KeptSegments::stepOf(unsigned launch) const {
  return std::lower_bound(cuts.begin(), cuts.end(), launch) - cuts.begin() + 1;
}

void KeptSegments::measure() {
  unsigned numCuts = cuts.size() + 2;
  crossing.assign(numCuts * numCuts, 0);
  held.assign(numCuts * numCuts, 0);
  // First what each step adds to what a cut has behind it, then their sums.
  for (auto [i, value] : llvm::enumerate(graph.values)) {
    if (!graph.isOfWayThere(value) || fixed[i])
      continue;
    unsigned step = stepOf(value.launch), lastStep = stepOf(lastReads[i]);
    for (unsigned to = step; to < numCuts; ++to) {
      if (to < lastStep)
        at(crossing, step - 1, to) += value.sizeBytes;
      else if (graph.isSaved(value))
        at(held, step - 1, to) += value.sizeBytes;
    }
  }
  for (auto *matrix : {&crossing, &held})
    for (unsigned to = 1; to < numCuts; ++to)
      for (unsigned from = to - 1; from-- > 0;)
        at(*matrix, from, to) += at(*matrix, from + 1, to);
}

int64_t KeptSegments::totalBytes() const {
  return at(held, 0, cuts.size() + 1);
}

KeptValues KeptSegments::choose(int64_t mostBytes) const {
  unsigned numCuts = cuts.size() + 2;
  std::vector<int64_t> least(numCuts, std::numeric_limits<int64_t>::max());
  std::vector<unsigned> before(numCuts);
  least[0] = 0;
  for (unsigned to = 1; to < numCuts; ++to)
    for (unsigned from = 0; from < to; ++from) {
      if (from + 1 < to && at(held, from, to) > mostBytes)
        continue;
      int64_t bytes = least[from] + at(crossing, from, to);
      if (bytes < least[to]) {
        least[to] = bytes;
        before[to] = from;
      }
    }
  KeptValues kept = fixed;
  for (unsigned cut = before[numCuts - 1]; cut > 0; cut = before[cut])
    for (auto [i, value] : llvm::enumerate(graph.values))
      if (value.launch <= cuts[cut - 1] && lastReads[i] > cuts[cut - 1])
        kept.set(i);
  return kept;
}
