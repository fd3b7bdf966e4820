// See GroupGraph.h.
#include "passes/GroupGraph.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <limits>

using namespace nnc;

/// Edges that one side of a search looks at before it gives up, so that fusing
/// stays linear in the size of the program. What can be merged has little
/// between it on one side: over all examples, 39 edges at most.
static constexpr size_t kMostEdges = 2000;

/// Room between labels: at the end of the order none is known to come.
static constexpr uint64_t kSpacing = uint64_t(1) << 32;

void GroupGraph::addGroup() {
  uint64_t label = order.empty() ? kSpacing : order.rbegin()->first + kSpacing;
  order.emplace(label, labels.size());
  labels.push_back(label);
  producers.emplace_back();
  users.emplace_back();
}

void GroupGraph::addEdge(unsigned producer, unsigned user) {
  assert(isBefore(producer, user) && "edges follow the order");
  users[producer].insert(user);
  producers[user].insert(producer);
}

//===----------------------------------------------------------------------===//
// Searching
//===----------------------------------------------------------------------===//

bool GroupGraph::advance(Front &front, const Front &other, unsigned first,
                         unsigned last) const {
  unsigned group = front.open.pop_back_val();
  front.numEdges += front.neighbours[group].size();
  bool isEnd = group == first || group == last;
  for (unsigned neighbour : front.neighbours[group]) {
    bool isOtherEnd = neighbour == first || neighbour == last;
    if (isEnd && isOtherEnd)
      continue; // by an edge of their own
    if (other.seen.contains(neighbour))
      return false;
    if (isBefore(first, neighbour) && isBefore(neighbour, last) &&
        front.seen.insert(neighbour).second)
      front.open.push_back(neighbour);
  }
  return true;
}

bool GroupGraph::canMerge(unsigned a, unsigned b) {
  auto [first, last] = isBefore(a, b) ? std::pair(a, b) : std::pair(b, a);
  Front down(users, first), up(producers, last);
  // When one side is known, all of it leaves the space between the two.
  while (!down.open.empty() && !up.open.empty()) {
    bool isDown = down.nextEdges() <= up.nextEdges();
    Front &front = isDown ? down : up;
    if (front.nextEdges() > kMostEdges ||
        !advance(front, isDown ? up : down, first, last))
      return false;
  }
  if (down.open.empty()) {
    down.seen.erase(first);
    move({down.seen.begin(), down.seen.end()}, last, /*isBehind=*/true);
    move({first}, last, /*isBehind=*/false);
  } else {
    up.seen.erase(last);
    move({up.seen.begin(), up.seen.end()}, first, /*isBehind=*/false);
    move({last}, first, /*isBehind=*/true);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// The order
//===----------------------------------------------------------------------===//

std::pair<uint64_t, uint64_t> GroupGraph::gap(unsigned anchor,
                                              bool isBehind) const {
  auto place = order.find(labels[anchor]);
  if (!isBehind)
    return {place == order.begin() ? 0 : std::prev(place)->first, place->first};
  auto next = std::next(place);
  return {place->first, next == order.end()
                            ? std::numeric_limits<uint64_t>::max()
                            : next->first};
}

void GroupGraph::relabel() {
  std::map<uint64_t, unsigned> spaced;
  uint64_t label = 0;
  for (auto [old, group] : order) {
    labels[group] = label += kSpacing;
    spaced.emplace_hint(spaced.end(), label, group);
  }
  order = std::move(spaced);
}

void GroupGraph::move(llvm::SmallVector<unsigned> groups, unsigned anchor,
                      bool isBehind) {
  llvm::sort(groups, [&](unsigned a, unsigned b) { return isBefore(a, b); });
  for (unsigned group : groups)
    order.erase(labels[group]);
  auto [low, high] = gap(anchor, isBehind);
  if (high - low <= groups.size()) {
    relabel();
    std::tie(low, high) = gap(anchor, isBehind);
  }
  uint64_t step = (high - low) / (groups.size() + 1);
  for (unsigned group : groups) {
    labels[group] = low += step;
    order.emplace(low, group);
  }
}

void GroupGraph::merge(unsigned a, unsigned b) {
  assert(std::next(order.find(std::min(labels[a], labels[b])))->second ==
             (isBefore(a, b) ? b : a) &&
         "canMerge has moved them together");
  order.erase(labels[b]);
  auto redirect = [&](std::vector<Neighbours> &forward,
                      std::vector<Neighbours> &backward) {
    for (unsigned neighbour : forward[b]) {
      backward[neighbour].erase(b);
      if (neighbour == a)
        continue;
      backward[neighbour].insert(a);
      forward[a].insert(neighbour);
    }
    forward[b].clear();
    forward[a].erase(b);
  };
  redirect(users, producers);
  redirect(producers, users);
}
