// Which groups of ops depend on which, while groups are merged.
//
// The graph stays acyclic: groups are merged only where no third group would
// have to run in the middle. That is told from a topological order, kept up to
// date as by Pearce and Kelly (A dynamic topological sort algorithm for
// directed acyclic graphs, 2006): a question costs a look at what lies between
// the two groups, from the side where less does.
#ifndef NNC_PASSES_GROUPGRAPH_H
#define NNC_PASSES_GROUPGRAPH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <map>
#include <vector>

namespace nnc {

class GroupGraph {
public:
  /// Adds a group behind all others in the order; they are numbered from 0.
  void addGroup();
  /// `user` needs a result of `producer`, which is before it in the order.
  void addEdge(unsigned producer, unsigned user);

  /// Whether neither of two groups depends on the other by way of a third. No
  /// as well where too many others lie between them to tell. Moves the two next
  /// to each other if so.
  bool canMerge(unsigned a, unsigned b);
  /// Makes one group of two that canMerge has just agreed to, called `a`.
  void merge(unsigned a, unsigned b);

private:
  using Neighbours = llvm::SmallDenseSet<unsigned, 4>;
  /// One side of a search.
  struct Front {
    const std::vector<Neighbours> &neighbours;
    llvm::DenseSet<unsigned> seen;
    /// Those seen whose neighbours are still to be looked at.
    llvm::SmallVector<unsigned> open;
    size_t numEdges = 0;

    Front(const std::vector<Neighbours> &neighbours, unsigned start)
        : neighbours(neighbours), seen({start}), open({start}) {}
    /// Edges looked at after the next step.
    size_t nextEdges() const {
      return numEdges + neighbours[open.back()].size();
    }
  };

  bool isBefore(unsigned a, unsigned b) const { return labels[a] < labels[b]; }
  /// Looks at the neighbours of one group between `first` and `last`; false if
  /// that shows a path to the other side.
  bool advance(Front &front, const Front &other, unsigned first,
               unsigned last) const;
  /// Puts groups, in their order, directly behind or before another.
  void move(llvm::SmallVector<unsigned> groups, unsigned anchor, bool isBehind);
  /// The labels between which `move` may place groups.
  std::pair<uint64_t, uint64_t> gap(unsigned anchor, bool isBehind) const;
  void relabel();

  std::vector<Neighbours> producers, users;
  /// The order: groups by labels with gaps between them.
  std::map<uint64_t, unsigned> order;
  std::vector<uint64_t> labels;
};

} // namespace nnc

#endif // NNC_PASSES_GROUPGRAPH_H
