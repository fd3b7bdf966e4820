// See SortInRounds.h.
#include "passes/SortInRounds.h"

#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <vector>

using namespace mlir;

namespace {

struct Place {
  Operation *op;
  size_t position;
  size_t round = 0;
  /// Uses of ops that have no round yet.
  size_t numOpen = 0;
};

} // namespace

/// For each op, the places of those that use it, once for each use.
static std::vector<SmallVector<size_t>>
collectUsers(Block &block, const std::vector<Place> &places) {
  DenseMap<Operation *, size_t> positions;
  for (const Place &place : places)
    positions[place.op] = place.position;
  std::vector<SmallVector<size_t>> users(places.size());
  for (const Place &place : places)
    for (Operation *user : place.op->getUsers())
      // The terminator has no place.
      if (auto found = positions.find(block.findAncestorOpInBlock(*user));
          found != positions.end())
        users[place.position].push_back(found->second);
  return users;
}

/// An op is in the round of the last of its operands, or in the next one if it
/// stands before that.
static bool assignRounds(std::vector<Place> &places,
                         const std::vector<SmallVector<size_t>> &users) {
  for (ArrayRef<size_t> list : users)
    for (size_t user : list)
      ++places[user].numOpen;
  SmallVector<size_t> ready;
  for (const Place &place : places)
    if (place.numOpen == 0)
      ready.push_back(place.position);
  size_t numDone = 0;
  for (; !ready.empty(); ++numDone) {
    size_t position = ready.pop_back_val();
    for (size_t user : users[position]) {
      size_t round = places[position].round + (user < position ? 1 : 0);
      places[user].round = std::max(places[user].round, round);
      if (--places[user].numOpen == 0)
        ready.push_back(user);
    }
  }
  return numDone == places.size();
}

bool nnc::sortInRounds(Block &block) {
  std::vector<Place> places;
  for (Operation &op : block.without_terminator())
    places.push_back({&op, places.size()});
  if (!assignRounds(places, collectUsers(block, places)))
    return false;
  llvm::sort(places, [](const Place &lhs, const Place &rhs) {
    return std::pair(lhs.round, lhs.position) <
           std::pair(rhs.round, rhs.position);
  });
  for (const Place &place : places)
    place.op->moveBefore(block.getTerminator());
  return true;
}
