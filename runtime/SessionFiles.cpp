// What of a session goes into files, and comes back from them.
#include "runtime/Session.h"

#include "runtime/Log.h"

#include <map>

namespace nnc::runtime {

static const char *nameOf(SaveKind kind) {
  return kind == SaveKind::Weights ? "weights" : "a checkpoint";
}

static bool isSaved(const StateTensor &tensor, SaveKind kind) {
  if (tensor.role == Role::Generation ||
      (tensor.role == Role::Scalar && tensor.name == firstSampleName))
    return false;
  return kind == SaveKind::Checkpoint || tensor.role == Role::Parameter ||
         tensor.role == Role::Buffer;
}

static std::string nameInFile(const StateTensor &tensor) {
  if (tensor.role == Role::OptimizerState)
    return concat(optimizerPrefix, tensor.name);
  if (tensor.role == Role::Scalar)
    return concat(scalarPrefix, tensor.name);
  return tensor.name;
}

/// Has `tensors`, which are on a device, point into `copies` on the host.
static Status bringToHost(Device &device, std::vector<TensorToSave> &tensors,
                          std::vector<std::vector<char>> &copies) {
  std::vector<Transfer> transfers;
  for (TensorToSave &tensor : tensors) {
    int64_t size = *numElements(tensor.shape) * sizeBytes(tensor.elementType);
    char *copy = copies.emplace_back(size).data();
    if (size)
      transfers.push_back({copy, tensor.data, size});
    tensor.data = copy;
  }
  return device.download(transfers);
}

/// Has `tensors`, of the state tensors `saved`, point into `copies` in
/// PyTorch's order where that is another.
static void bringIntoPytorchOrder(const std::vector<const StateTensor *> &saved,
                                  std::vector<TensorToSave> &tensors,
                                  std::vector<std::vector<char>> &copies) {
  for (size_t i = 0; i < saved.size(); ++i) {
    const StateTensor &tensor = *saved[i];
    tensors[i].shape = shapeIn(WeightsOrder::Pytorch, tensor);
    if (!isPermutedIn(WeightsOrder::Pytorch, tensor))
      continue;
    copies.push_back(
        toPytorch(tensor, static_cast<const char *>(tensors[i].data)));
    tensors[i].data = copies.back().data();
  }
}

Status Session::save(const std::string &path, SaveKind kind,
                     const Metadata &metadata) const {
  return guardMemory([&]() -> Status {
    if (!torn.isOk())
      return torn;
    std::vector<TensorToSave> tensors;
    std::vector<const StateTensor *> saved;
    for (const StateTensor &tensor : openPlan->state) {
      if (!isSaved(tensor, kind))
        continue;
      tensors.push_back({nameInFile(tensor), tensor.elementType, tensor.shape,
                         stateData(tensor)});
      saved.push_back(&tensor);
    }
    std::vector<std::vector<char>> copies;
    if (!device->sharesHostMemory())
      if (Status status = bringToHost(*device, tensors, copies); !status.isOk())
        return status;
    Metadata all = metadata;
    all[kindKey] = kind == SaveKind::Checkpoint ? "checkpoint" : "weights";
    if (kind == SaveKind::Weights &&
        openPlan->weightsOrder == WeightsOrder::Pytorch) {
      bringIntoPytorchOrder(saved, tensors, copies);
      all[orderKey] = nameOf(openPlan->weightsOrder);
    }
    Status status = writeSafetensors(path, tensors, all);
    if (status.isOk())
      log(LogLevel::Info, path, ": saved ", tensors.size(), " tensors, ",
          nameOf(kind));
    return status;
  });
}

namespace {
/// Which tensor of a file fills which one of the state.
struct Match {
  const SavedTensor *from;
  const StateTensor *to;
};

/// A file against a plan: what goes where, and everything that does not.
struct Comparison {
  std::vector<Match> matches;
  std::vector<std::string> missing, extra, different;
};
} // namespace

/// Whether weights of the file's type may be converted to the plan's, element
/// by element, as far as that changes no number. A checkpoint goes on as it is.
static bool isConvertible(const SavedTensor &from, const StateTensor &to,
                          SaveKind kind) {
  auto isFloat = [](ElementType type) {
    return !isInteger(type) && type != ElementType::Bool;
  };
  return kind == SaveKind::Weights && isFloat(from.elementType) &&
         isFloat(to.elementType);
}

static Comparison compare(const Plan &plan, const SafetensorsFile &file,
                          SaveKind kind, WeightsOrder order) {
  Comparison result;
  std::map<std::string_view, const SavedTensor *> saved;
  for (const SavedTensor &tensor : file.tensors())
    saved[tensor.name] = &tensor;
  for (const StateTensor &tensor : plan.state) {
    if (!isSaved(tensor, kind))
      continue;
    std::string name = nameInFile(tensor);
    auto found = saved.find(name);
    if (found == saved.end()) {
      result.missing.push_back(std::move(name));
      continue;
    }
    const SavedTensor &from = *found->second;
    saved.erase(found);
    const Shape shape = shapeIn(order, tensor);
    if (from.foreignType || from.shape != shape ||
        (from.elementType != tensor.elementType &&
         !isConvertible(from, tensor, kind)))
      result.different.push_back(
          concat(quote(name), " is ", describe(tensor.elementType, shape),
                 shape == tensor.shape ? "" : " in PyTorch's order",
                 ", the file has ", describe(from)));
    result.matches.push_back({&from, &tensor});
  }
  // In the file's order, and without what only a checkpoint's reader wants.
  for (const SavedTensor &tensor : file.tensors())
    if (saved.count(tensor.name) &&
        (kind == SaveKind::Checkpoint || !isReservedName(tensor.name)))
      result.extra.push_back(tensor.name);
  return result;
}

static std::string listOf(const std::vector<std::string> &items, bool quoted) {
  std::string list;
  for (const std::string &item : items)
    list += concat(list.empty() ? "" : ", ", quoted ? quote(item) : item);
  return list;
}

/// Names all that speaks against loading; empty if nothing does.
static std::string describeProblems(const Comparison &comparison,
                                    Matching matching) {
  const bool isExact = matching == Matching::Exact;
  std::string problems;
  auto add = [&](const char *what, const std::vector<std::string> &items,
                 bool quoted) {
    if (!items.empty())
      problems +=
          concat(problems.empty() ? "" : "; ", what, listOf(items, quoted));
  };
  if (isExact || comparison.matches.empty()) {
    add("missing: ", comparison.missing, true);
    add("not in the plan: ", comparison.extra, true);
  }
  add("of another shape or type: ", comparison.different, false);
  return problems;
}

/// Reads a tensor of a file to `to`, which is the device's.
static Status read(const SafetensorsFile &file, const SavedTensor &tensor,
                   Device &device, void *to) {
  if (device.sharesHostMemory())
    return file.read(tensor, to);
  std::vector<char> copy(tensor.sizeBytes);
  Status status = file.read(tensor, copy.data());
  if (!status.isOk() || copy.empty())
    return status;
  return device.upload({to, copy.data(), tensor.sizeBytes});
}

/// Reads a tensor of the file in the plan's element type. InvalidFile where
/// that does not hold a number exactly.
static StatusOr<std::vector<char>> readConverted(const SafetensorsFile &file,
                                                 const std::string &path,
                                                 const Match &match) {
  const ElementType from = match.from->elementType, to = match.to->elementType;
  const int64_t fromBytes = sizeBytes(from), toBytes = sizeBytes(to);
  std::vector<char> given(match.from->sizeBytes);
  if (Status status = file.read(*match.from, given.data()); !status.isOk())
    return status;
  const int64_t count = match.to->numElements();
  std::vector<char> converted(count * toBytes);
  for (int64_t i = 0; i < count; ++i) {
    const char *element = given.data() + i * fromBytes;
    if (!convertExactly(from, element, to, converted.data() + i * toBytes))
      return Status(Code::InvalidFile,
                    concat(path, ": element ", i, " of ",
                           quote(match.from->name), " is ",
                           elementText(from, element), ", of type ", name(from),
                           "; the plan has it in ", name(to),
                           ", which does not hold it exactly"));
  }
  return converted;
}

/// Reads a tensor of the file as the plan has it, which is other than it is
/// there in its type or in the order of its dimensions.
static StatusOr<std::vector<char>> readAsInPlan(const SafetensorsFile &file,
                                                const std::string &path,
                                                const Match &match,
                                                WeightsOrder order) {
  std::vector<char> content;
  if (match.from->elementType != match.to->elementType) {
    StatusOr<std::vector<char>> converted = readConverted(file, path, match);
    if (!converted.isOk())
      return converted.status();
    content = std::move(*converted);
  } else {
    content.resize(match.from->sizeBytes);
    Status status = file.read(*match.from, content.data());
    if (!status.isOk())
      return status;
  }
  return isPermutedIn(order, *match.to) ? fromPytorch(*match.to, content.data())
                                        : content;
}

/// The tensors that have to be converted or permuted, all of them before any of
/// the state is changed; empty ones for the rest.
static StatusOr<std::vector<std::vector<char>>>
convertAll(const SafetensorsFile &file, const std::string &path,
           const std::vector<Match> &matches, WeightsOrder order) {
  std::vector<std::vector<char>> contents(matches.size());
  for (size_t i = 0; i < matches.size(); ++i) {
    const auto &[from, to] = matches[i];
    if (from->elementType == to->elementType && !isPermutedIn(order, *to))
      continue;
    StatusOr<std::vector<char>> content =
        readAsInPlan(file, path, matches[i], order);
    if (!content.isOk())
      return content.status();
    contents[i] = std::move(*content);
  }
  return contents;
}

Status Session::load(const std::string &path, SaveKind kind,
                     LoadOptions options, LoadReport *report) {
  return guardMemory([&]() -> Status {
    StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file.isOk())
      return file.status();
    StatusOr<WeightsOrder> order = WeightsOrder::Nnc;
    if (kind == SaveKind::Weights)
      order = chooseOrder(*openPlan, *file, options.order);
    if (!order.isOk())
      return {order.status().code(),
              concat(path, ": ", order.status().message())};
    Comparison comparison = compare(*openPlan, *file, kind, *order);
    std::string problems = describeProblems(comparison, options.matching);
    if (!problems.empty())
      return {Code::InvalidFile,
              concat(path, ": the tensors are not this plan's: ", problems)};
    StatusOr<std::vector<std::vector<char>>> converted =
        convertAll(*file, path, comparison.matches, *order);
    if (!converted.isOk())
      return converted.status();
    for (size_t i = 0; i < comparison.matches.size(); ++i) {
      const Match &match = comparison.matches[i];
      const std::vector<char> &content = (*converted)[i];
      void *to = stateData(*match.to);
      Status status =
          content.empty()
              ? read(*file, *match.from, *device, to)
              : device->upload({to, content.data(), int64_t(content.size())});
      if (!status.isOk())
        return status;
    }
    // All of the state is as it was in a whole step then.
    if (kind == SaveKind::Checkpoint && options.matching == Matching::Exact)
      torn = {};
    log(LogLevel::Info, path, ": loaded ", comparison.matches.size(),
        " tensors, ", nameOf(kind));
    if (report)
      *report = {file->metadata(), std::move(comparison.missing),
                 std::move(comparison.extra)};
    return {};
  });
}

} // namespace nnc::runtime
