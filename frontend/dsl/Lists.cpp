// Lists of anything, tensors too, and the loops that go through them.
#include "frontend/dsl/Emitter.h"
#include "frontend/dsl/Limits.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::dsl {

//===-- Lists ------------------------------------------------------------===//

Datum Emitter::makeList(Datum::List elements, SMLoc loc) {
  auto isError = [](const Datum &element) { return element.isError(); };
  if (llvm::any_of(elements, isError))
    return {};
  Datum value(std::move(elements));
  if (value.listDepth() > kMaxListDepth)
    return error(loc, "lists are nested more than " + Twine(kMaxListDepth) +
                          " deep here");
  if (value.elementCount() > kMaxSteps)
    return error(loc, "this list has " + Twine(value.elementCount()) +
                          " elements, those of the lists in it counted: "
                          "at most " +
                          Twine(kMaxSteps) + " are supported");
  return value;
}

Datum Emitter::evaluateList(const ListExpr &list) {
  Datum::List elements;
  for (const ExpressionPtr &element : list.elements)
    elements.push_back(evaluate(*element));
  return makeList(std::move(elements), list.loc);
}

Datum Emitter::evaluateComprehension(const ComprehensionExpr &comprehension) {
  Datum::List elements;
  forEach(comprehension.head, comprehension.loc, [&] {
    std::optional<bool> isTaken = true;
    if (comprehension.condition)
      isTaken = expectCondition(*comprehension.condition);
    // An error is an element, so that the list is one.
    if (!isTaken)
      elements.push_back({});
    else if (*isTaken)
      elements.push_back(evaluate(*comprehension.element));
  });
  return makeList(std::move(elements), comprehension.loc);
}

Datum Emitter::joinLists(const Datum &lhs, const Datum &rhs, SMLoc loc) {
  if (!expend(loc, lhs.list().size() + rhs.list().size()))
    return {};
  Datum::List elements = lhs.list();
  llvm::append_range(elements, rhs.list());
  return makeList(std::move(elements), loc);
}

// `list[i]`, `list[1:]`.
Datum Emitter::partOfList(const SubscriptExpr &subscript,
                          const Datum::List &list) {
  const SubscriptItem &item = subscript.items.front();
  int64_t size = list.size();
  if (subscript.items.size() != 1)
    return error(subscript.items[1].loc,
                 "a list has one index; write list[i][j] for lists in it");
  if (item.isRange) {
    int64_t start = 0, count = size;
    bool isEmpty = size == 0 && !item.lower && !item.upper;
    if (!isEmpty && !evaluateBounds(item, size, start, count, 0))
      return {};
    if (!expend(subscript.loc, count))
      return {};
    auto first = list.begin() + start;
    return Datum(Datum::List(first, first + count));
  }
  std::optional<int64_t> index = expectInteger(*item.lower, "an index");
  if (!index)
    return {};
  if (*index < -size || *index >= size)
    return error(item.loc, "index " + Twine(*index) +
                               " is outside of the list's " + Twine(size) +
                               " elements");
  return list[*index < 0 ? *index + size : *index];
}

Datum Emitter::lengthOf(const CallExpr &call) {
  if (call.arguments.size() != 1 || call.arguments.front().name)
    return error(call.loc, "expected length(list), found " +
                               Twine(call.arguments.size()) + " arguments");
  Datum value = evaluate(*call.arguments.front().value);
  if (value.isError())
    return {};
  if (value.isList())
    return Datum(int64_t(value.list().size()));
  std::string hint =
      value.isTensor() ? "; shape(x, axis) is a tensor's size" : "";
  return error(call.loc,
               "'length' expects a list, found " + value.describe() + hint);
}

//===-- Several names ----------------------------------------------------===//

/// The elements of a list, or the results of the op whose first result a call
/// gave.
static std::vector<Datum> valuesOf(const Datum &value) {
  if (value.isList())
    return value.list();
  std::vector<Datum> values;
  if (value.isTensor() && isa<OpResult>(value.tensor()))
    for (mlir::Value result : value.tensor().getDefiningOp()->getResults())
      values.push_back(Datum(result));
  return values;
}

std::vector<Datum> Emitter::spread(const Datum &value, size_t count,
                                   SMLoc loc) {
  if (count == 1)
    return {value};
  if (value.isError())
    return std::vector<Datum>(count);
  std::vector<Datum> values = valuesOf(value);
  bool fits = value.isList() ? values.size() == count : values.size() >= count;
  if (fits)
    return values;
  error(loc, "there are " + Twine(count) + " names for " +
                 (value.isList() ? Twine(values.size()) + " values"
                                 : Twine(value.describe())));
  return std::vector<Datum>(count);
}

//===-- Loops ------------------------------------------------------------===//

bool Emitter::forEachInRange(const LoopHead &head,
                             llvm::function_ref<bool(Datum)> turn) {
  std::optional<int64_t> lower = expectInteger(*head.lower, "a loop's bound");
  std::optional<int64_t> upper = expectInteger(*head.upper, "a loop's bound");
  if (!lower || !upper)
    return false;
  // Unsigned, since the difference of two int64_t need not be one.
  uint64_t count = *upper > *lower ? uint64_t(*upper) - uint64_t(*lower) : 0;
  if (count > uint64_t(kMaxIterations)) {
    error(head.variables.front().loc,
          "this loop would be unrolled " + Twine(count) + " times; at most " +
              Twine(kMaxIterations) + " are supported");
    return false;
  }
  for (uint64_t i = 0; i < count; ++i)
    if (!turn(Datum(*lower + int64_t(i))))
      break;
  return true;
}

void Emitter::forEach(const LoopHead &head, SMLoc loc,
                      llvm::function_ref<void()> body) {
  for (const Identifier &variable : head.variables)
    checkReserved(variable, "a loop's variable");
  std::vector<std::pair<StringRef, std::optional<Binding>>> outer;
  auto turn = [&](const Datum &value) {
    if ((frame && frame->returned) || !expend(loc))
      return false;
    std::vector<Datum> values =
        spread(value, head.variables.size(), head.lower->loc);
    for (auto [variable, part] : llvm::zip(head.variables, values))
      bind(variable, std::move(part));
    body();
    return true;
  };
  for (const Identifier &variable : head.variables) {
    auto it = boundNames().find(variable.name);
    outer.push_back({variable.name, std::nullopt});
    if (it != boundNames().end())
      outer.back().second = it->second;
  }
  if (head.upper) {
    forEachInRange(head, turn);
  } else {
    Datum list = evaluate(*head.lower);
    if (!list.isList() && !list.isError())
      error(head.lower->loc, "a loop goes over a range, as in 0..10, or over a "
                             "list, found " +
                                 list.describe());
    if (list.isList())
      (void)llvm::all_of(list.list(), turn);
  }
  for (auto &[name, binding] : outer) {
    boundNames().erase(name);
    if (binding)
      boundNames()[name] = *binding;
  }
}

} // namespace nnc::dsl
