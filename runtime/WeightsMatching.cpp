// Matches names, checks shapes, and brings elements into the plan's form.
#include "runtime/WeightsMatching.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace nnc::runtime {

//===-- Names ------------------------------------------------------------===//

bool isSaved(const StateTensor &tensor, SaveKind kind) {
  if (tensor.role == Role::Generation || tensor.roundedFrom >= 0 ||
      (tensor.role == Role::Scalar && tensor.name == firstSampleName))
    return false;
  return kind == SaveKind::Checkpoint || tensor.role == Role::Parameter ||
         tensor.role == Role::Buffer;
}

std::string nameInFile(const StateTensor &tensor) {
  if (tensor.role == Role::OptimizerState)
    return concat(optimizerPrefix, tensor.name);
  if (tensor.role == Role::Scalar)
    return concat(scalarPrefix, tensor.name);
  return tensor.name;
}

/// As a checkpoint calls the average of `tensor`.
static std::string averageInFile(const StateTensor &tensor) {
  return concat(optimizerPrefix, tensor.name, ".average");
}

WeightsOrder orderOf(const NameTable &table) {
  for (const NameLine &line : table.lines)
    if (line.kind == NameLineKind::Order && line.text == "pytorch")
      return WeightsOrder::Pytorch;
  return WeightsOrder::Nnc;
}

namespace {
/// The tensors of a file by the names that a table has for them.
class NamedTensors {
public:
  NamedTensors(const SafetensorsFile &file, const NameTable *table) {
    for (const SavedTensor &tensor : file.tensors())
      byName[tensor.name] = &tensor;
    prefixes = {""};
    if (table)
      for (const NameLine &line : table->lines)
        if (line.kind == NameLineKind::Prefix)
          prefixes.push_back(line.text);
  }

  /// Null if the file has none.
  const SavedTensor *find(const std::string &name) const {
    for (const std::string &prefix : prefixes)
      if (auto found = byName.find(prefix + name); found != byName.end())
        return found->second;
    return nullptr;
  }

  /// Whether a line of the table passes over the file's `name`.
  bool isIgnored(const NameTable *table, const std::string &name) const {
    if (!table)
      return false;
    for (const NameLine &line : table->lines) {
      if (line.kind != NameLineKind::Ignore)
        continue;
      for (const std::string &prefix : prefixes)
        if (startsWith(name, prefix) &&
            matchesIgnored(line.text,
                           std::string_view(name).substr(prefix.size())))
          return true;
    }
    return false;
  }

private:
  std::map<std::string, const SavedTensor *, std::less<>> byName;
  std::vector<std::string> prefixes;
};
} // namespace

/// What `tensor` is made of in a file, by the first line of the table that is
/// for it; a tensor of its own name where there is none.
static NameLine recipeOf(const StateTensor &tensor, const NameTable *table) {
  if (table)
    for (const NameLine &line : table->lines) {
      NameCaptures captures;
      if (line.kind != NameLineKind::Weight ||
          !matchName(line.text, tensor.name, captures))
        continue;
      NameLine filled = line;
      for (WeightSource &source : filled.sources)
        source.name = fillName(source.name, captures);
      return filled;
    }
  NameLine own;
  own.sources.push_back({nameInFile(tensor)});
  return own;
}

/// How many weights of the plan the file has all of.
static size_t countFound(const Plan &plan, const SafetensorsFile &file,
                         const NameTable *table) {
  NamedTensors tensors(file, table);
  size_t count = 0;
  for (const StateTensor &tensor : plan.state) {
    if (!isSaved(tensor, SaveKind::Weights))
      continue;
    const NameLine recipe = recipeOf(tensor, table);
    count += std::all_of(
        recipe.sources.begin(), recipe.sources.end(),
        [&](const WeightSource &source) { return tensors.find(source.name); });
  }
  return count;
}

StatusOr<const NameTable *> chooseTable(const Plan &plan,
                                        const SafetensorsFile &file,
                                        const std::string &given) {
  std::string known = "nnc";
  for (const NameTable &table : plan.nameTables) {
    if (table.name == given)
      return &table;
    known += ", " + table.name;
  }
  if (given == "nnc")
    return static_cast<const NameTable *>(nullptr);
  if (!given.empty())
    return Status(Code::InvalidArgument,
                  concat("the model has no table of names ", quote(given),
                         "; there ", plan.nameTables.empty() ? "is " : "are ",
                         known));
  const NameTable *best = nullptr;
  size_t most = countFound(plan, file, nullptr);
  for (const NameTable &table : plan.nameTables)
    if (size_t found = countFound(plan, file, &table); found > most) {
      best = &table;
      most = found;
    }
  return best;
}

//===-- Shapes -----------------------------------------------------------===//

/// The shape of what the sources are together; nothing after `problem`.
static std::optional<Shape> joinedShape(const Match &match,
                                        std::string &problem) {
  Shape joined;
  for (const MatchSource &source : match.sources) {
    Shape shape = source.tensor->shape;
    const int64_t rank = shape.size();
    if (source.count > 1) {
      if (source.axis >= rank || shape[source.axis] % source.count != 0) {
        problem = concat(describe(*source.tensor), " has no ", source.count,
                         " equal parts along dimension ", source.axis);
        return std::nullopt;
      }
      shape[source.axis] /= source.count;
    }
    if (&source == &match.sources.front()) {
      joined = shape;
      continue;
    }
    Shape others = shape, before = joined;
    const bool hasAxis = match.axis < rank && before.size() == shape.size();
    if (hasAxis)
      others[match.axis] = before[match.axis] = 0;
    if (!hasAxis || others != before ||
        shape[match.axis] >
            std::numeric_limits<int64_t>::max() - joined[match.axis]) {
      problem =
          concat(describe(source.tensor->elementType, joined), " and ",
                 describe(source.tensor->elementType, shape),
                 " do not stand side by side along dimension ", match.axis);
      return std::nullopt;
    }
    joined[match.axis] += shape[match.axis];
  }
  if (match.isTransposed)
    std::reverse(joined.begin(), joined.end());
  return joined;
}

/// Whether weights of the file's type may be converted to the plan's, element
/// by element, as far as that changes no number. A checkpoint goes on as it is.
static bool isConvertible(const SavedTensor &from, const StateTensor &to,
                          SaveKind kind) {
  return kind == SaveKind::Weights && isFloat(from.elementType) &&
         isFloat(to.elementType);
}

static std::string describeSources(const Match &match) {
  std::string text;
  for (const MatchSource &source : match.sources)
    text += concat(text.empty() ? "" : ", ", describe(*source.tensor),
                   source.tensor->name == match.to->name
                       ? ""
                       : " as " + quote(source.tensor->name));
  return text;
}

/// What is wrong with shape or type of what is to fill a tensor; empty if
/// nothing is.
static std::string explainDifference(const Match &match, SaveKind kind,
                                     WeightsOrder order) {
  const StateTensor &to = *match.to;
  const std::string name = nameInFile(to);
  const Shape wanted = shapeIn(order, to);
  std::string problem;
  std::optional<Shape> shape = joinedShape(match, problem);
  if (!shape)
    return concat("for ", quote(name), ": ", problem);
  bool isSound = *shape == wanted;
  for (const MatchSource &source : match.sources)
    isSound &= !source.tensor->foreignType &&
               (source.tensor->elementType == to.elementType ||
                isConvertible(*source.tensor, to, kind));
  if (isSound)
    return "";
  const bool isMade = match.sources.size() > 1 || match.isTransposed ||
                      match.sources.front().count > 1;
  return concat(
      quote(name), " is ", describe(to.elementType, wanted),
      wanted == to.shape ? "" : " in PyTorch's order", ", the file has ",
      describeSources(match),
      isMade ? concat(", which makes ", describe(to.elementType, *shape)) : "");
}

//===-- A file against a plan --------------------------------------------===//

Comparison compare(const Plan &plan, const SafetensorsFile &file, SaveKind kind,
                   WeightsOrder order, const NameTable *table,
                   const EntryPoint *entry) {
  Comparison result;
  const std::vector<bool> isWanted =
      entry ? plan.stateReadBy(*entry)
            : std::vector<bool>(plan.state.size(), true);
  NamedTensors tensors(file, table);
  std::set<const SavedTensor *> used;
  /// What averages stand in for.
  std::set<std::string> replaced;
  for (const StateTensor &tensor : plan.state) {
    if (!isSaved(tensor, kind) || !isWanted[&tensor - plan.state.data()])
      continue;
    NameLine recipe = recipeOf(tensor, table);
    // What a checkpoint has averaged is what its weights are.
    if (const std::string average = averageInFile(tensor);
        kind == SaveKind::Weights && !table && tensors.find(average))
      replaced.insert(std::exchange(recipe.sources.front().name, average));
    Match match{&tensor, {}, recipe.axis, recipe.isTransposed};
    std::string sought;
    bool isComplete = true;
    for (const WeightSource &source : recipe.sources) {
      const SavedTensor *found = tensors.find(source.name);
      isComplete &= found != nullptr;
      if (!found && source.name != nameInFile(tensor))
        sought += concat(sought.empty() ? "" : ", ", quote(source.name));
      match.sources.push_back({found, source.part, source.count, source.axis});
      if (found)
        used.insert(found);
    }
    if (!isComplete) {
      result.missing.push_back(nameInFile(tensor));
      result.sought.push_back(std::move(sought));
      continue;
    }
    if (std::string what = explainDifference(match, kind, order); !what.empty())
      result.different.push_back(std::move(what));
    result.matches.push_back(std::move(match));
  }
  // In the file's order, and without what only a checkpoint's reader wants.
  for (const SavedTensor &tensor : file.tensors())
    if (!used.count(&tensor) && !tensors.isIgnored(table, tensor.name) &&
        !replaced.count(tensor.name) && !startsWith(tensor.name, keptPrefix) &&
        (kind == SaveKind::Checkpoint || !isReservedName(tensor.name)))
      result.extra.push_back(tensor.name);
  return result;
}

std::string describeProblems(const Comparison &comparison,
                             const LoadOptions &options) {
  const bool isExact = options.matching == Matching::Exact;
  const bool isOfPart = !options.entryPoint.empty();
  std::string problems;
  auto add = [&](const char *what, const std::vector<std::string> &items,
                 const std::function<std::string(size_t)> &describeItem) {
    if (items.empty())
      return;
    problems += concat(problems.empty() ? "" : "; ", what);
    for (size_t i = 0; i < items.size(); ++i)
      problems += (i ? ", " : "") + describeItem(i);
  };
  // An entry point may read no weights at all.
  const bool hasNone =
      comparison.matches.empty() && !(isOfPart && comparison.missing.empty());
  if (isExact || hasNone) {
    add("missing: ", comparison.missing, [&](size_t i) {
      const std::string &sought = comparison.sought[i];
      return concat(quote(comparison.missing[i]),
                    sought.empty() ? "" : " (there is no " + sought + ")");
    });
    if (!isOfPart)
      add("not in the plan: ", comparison.extra,
          [&](size_t i) { return quote(comparison.extra[i]); });
  }
  add("of another shape or type: ", comparison.different,
      [&](size_t i) { return comparison.different[i]; });
  return problems;
}

//===-- Elements ---------------------------------------------------------===//

bool isAsInFile(const Match &match, WeightsOrder order) {
  const MatchSource &first = match.sources.front();
  return match.sources.size() == 1 && first.count == 1 && !match.isTransposed &&
         first.tensor->elementType == match.to->elementType &&
         !isPermutedIn(order, *match.to);
}

/// Reads a tensor of the file in the element type `to`. InvalidFile where that
/// does not hold a number exactly.
static StatusOr<std::vector<char>> readConverted(const SafetensorsFile &file,
                                                 const std::string &path,
                                                 const SavedTensor &tensor,
                                                 ElementType to) {
  std::vector<char> given(tensor.sizeBytes);
  if (Status status = file.read(tensor, given.data()); !status.isOk())
    return status;
  const ElementType from = tensor.elementType;
  if (from == to)
    return given;
  const int64_t fromBytes = sizeBytes(from), toBytes = sizeBytes(to);
  const int64_t count = tensor.sizeBytes / fromBytes;
  std::vector<char> converted(count * toBytes);
  for (int64_t i = 0; i < count; ++i) {
    const char *element = given.data() + i * fromBytes;
    if (!convertExactly(from, element, to, converted.data() + i * toBytes))
      return Status(Code::InvalidFile,
                    concat(path, ": element ", i, " of ", quote(tensor.name),
                           " is ", elementText(from, element), ", of type ",
                           name(from), "; the plan has it in ", name(to),
                           ", which does not hold it exactly"));
  }
  return converted;
}

/// Elements from one place of an axis to the next, and along all before it.
struct AxisSteps {
  int64_t outer = 1;
  int64_t inner = 1;
};

static AxisSteps stepsOf(const Shape &shape, int64_t axis) {
  AxisSteps steps;
  for (int64_t i = 0; i < int64_t(shape.size()); ++i)
    (i < axis ? steps.outer : steps.inner) *= i == axis ? 1 : shape[i];
  return steps;
}

/// Writes the source's part to its place in `to`: from `before` on of the
/// `size` places of an axis. Returns how many it takes.
static int64_t placePart(const std::vector<char> &content,
                         const MatchSource &source, int64_t axis, int64_t size,
                         int64_t before, int64_t elementBytes,
                         std::vector<char> &to) {
  Shape shape = source.tensor->shape;
  std::vector<char> part;
  const std::vector<char> *from = &content;
  if (source.count > 1) {
    const AxisSteps steps = stepsOf(shape, source.axis);
    shape[source.axis] /= source.count;
    const int64_t run = shape[source.axis] * steps.inner * elementBytes;
    part.resize(steps.outer * run);
    for (int64_t i = 0; i < steps.outer && run > 0; ++i)
      std::memcpy(part.data() + i * run,
                  content.data() + (i * source.count + source.part) * run, run);
    from = &part;
  }
  const AxisSteps steps = stepsOf(shape, axis);
  const int64_t places = shape.empty() ? 1 : shape[axis];
  const int64_t run = places * steps.inner * elementBytes;
  for (int64_t i = 0; i < steps.outer && run > 0; ++i)
    std::memcpy(to.data() + (i * size + before) * steps.inner * elementBytes,
                from->data() + i * run, run);
  return places;
}

StatusOr<std::vector<char>> readAsInPlan(const SafetensorsFile &file,
                                         const std::string &path,
                                         const Match &match,
                                         WeightsOrder order) {
  const StateTensor &to = *match.to;
  const int64_t elementBytes = sizeBytes(to.elementType);
  Shape shape = shapeIn(order, to);
  if (match.isTransposed)
    std::reverse(shape.begin(), shape.end());
  const int64_t size = shape.empty() ? 1 : shape[match.axis];
  std::vector<char> joined(to.sizeBytes());
  int64_t before = 0;
  for (const MatchSource &source : match.sources) {
    StatusOr<std::vector<char>> content =
        readConverted(file, path, *source.tensor, to.elementType);
    if (!content.isOk())
      return content.status();
    before += placePart(*content, source, match.axis, size, before,
                        elementBytes, joined);
  }
  if (match.isTransposed)
    joined = reverseDimensions(joined.data(), shape, elementBytes);
  return isPermutedIn(order, to) ? fromPytorch(to, joined.data()) : joined;
}

} // namespace nnc::runtime
