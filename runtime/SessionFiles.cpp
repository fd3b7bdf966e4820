// What of a session goes into files, and comes back from them.
#include "runtime/Session.h"

#include "runtime/Log.h"
#include "runtime/WeightsMatching.h"

namespace nnc::runtime {

static const char *nameOf(SaveKind kind) {
  return kind == SaveKind::Weights ? "weights" : "a checkpoint";
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
                     const Metadata &metadata,
                     const std::vector<TensorToSave> &kept) const {
  return guardMemory([&]() -> Status {
    if (!torn.isOk())
      return torn;
    std::vector<TensorToSave> tensors;
    std::vector<const StateTensor *> saved;
    for (const StateTensor &tensor : openPlan->state) {
      if (!isSaved(tensor, kind))
        continue;
      const bool isAveraged = kind == SaveKind::Weights && tensor.average >= 0;
      tensors.push_back(
          {nameInFile(tensor), tensor.elementType, tensor.shape,
           stateData(isAveraged ? openPlan->state[tensor.average] : tensor)});
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
    tensors.insert(tensors.end(), kept.begin(), kept.end());
    Status status = writeSafetensors(path, tensors, all);
    if (status.isOk())
      log(LogLevel::Info, path, ": saved ", tensors.size(), " tensors, ",
          nameOf(kind));
    return status;
  });
}

Status Session::storeFromFile(const SafetensorsFile &file,
                              const SavedTensor &saved,
                              const StateTensor &tensor) {
  if (device->sharesHostMemory() && tensor.rounded < 0)
    return file.read(saved, stateData(tensor));
  std::vector<char> copy(saved.sizeBytes);
  Status status = file.read(saved, copy.data());
  if (!status.isOk() || copy.empty())
    return status;
  return store(tensor, copy.data());
}

/// The tensors that have to be converted or permuted, all of them before any of
/// the state is changed; empty ones for the rest.
static StatusOr<std::vector<std::vector<char>>>
convertAll(const SafetensorsFile &file, const std::string &path,
           const std::vector<Match> &matches, WeightsOrder order) {
  std::vector<std::vector<char>> contents(matches.size());
  for (size_t i = 0; i < matches.size(); ++i) {
    if (isAsInFile(matches[i], order))
      continue;
    StatusOr<std::vector<char>> content =
        readAsInPlan(file, path, matches[i], order);
    if (!content.isOk())
      return content.status();
    contents[i] = std::move(*content);
  }
  return contents;
}

/// The entry point whose weights are wanted; null: all are.
static StatusOr<const EntryPoint *> findPart(const Plan &plan,
                                             const LoadOptions &options) {
  const EntryPoint *part = plan.findEntryPoint(options.entryPoint);
  if (part || options.entryPoint.empty())
    return part;
  return Status(Code::NotFound, concat("the plan has no entry point ",
                                       quote(options.entryPoint)));
}

/// Weights are their own average until they are trained.
static std::vector<const StateTensor *>
targetsOf(const Plan &plan, const StateTensor &tensor, SaveKind kind) {
  if (kind != SaveKind::Weights || tensor.average < 0)
    return {&tensor};
  return {&tensor, &plan.state[tensor.average]};
}

Status Session::load(const std::string &path, SaveKind kind,
                     LoadOptions options, LoadReport *report) {
  return guardMemory([&]() -> Status {
    StatusOr<const EntryPoint *> part = findPart(*openPlan, options);
    if (!part.isOk())
      return part.status();
    StatusOr<SafetensorsFile> file = SafetensorsFile::open(path);
    if (!file.isOk())
      return file.status();
    StatusOr<const NameTable *> table = nullptr;
    if (kind == SaveKind::Weights)
      table = chooseTable(*openPlan, *file, options.names);
    if (!table.isOk())
      return table.status();
    StatusOr<WeightsOrder> order = WeightsOrder::Nnc;
    if (*table)
      order = options.order.value_or(orderOf(**table));
    else if (kind == SaveKind::Weights)
      order = chooseOrder(*openPlan, *file, options.order);
    if (!order.isOk())
      return {order.status().code(),
              concat(path, ": ", order.status().message())};
    Comparison comparison =
        compare(*openPlan, *file, kind, *order, *table, *part);
    std::string problems = describeProblems(comparison, options);
    if (!problems.empty())
      return {Code::InvalidFile,
              concat(path, ": the tensors are not this plan's",
                     *table ? concat(" by its table of names ",
                                     quote((*table)->name))
                            : "",
                     ": ", problems)};
    StatusOr<std::vector<std::vector<char>>> converted =
        convertAll(*file, path, comparison.matches, *order);
    if (!converted.isOk())
      return converted.status();
    for (size_t i = 0; i < comparison.matches.size(); ++i) {
      const Match &match = comparison.matches[i];
      const std::vector<char> &content = (*converted)[i];
      for (const StateTensor *target : targetsOf(*openPlan, *match.to, kind)) {
        Status status =
            content.empty()
                ? storeFromFile(*file, *match.sources.front().tensor, *target)
                : store(*target, content.data());
        if (!status.isOk())
          return status;
      }
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
