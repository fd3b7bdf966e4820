// Looks for the end of the data of samples, and copies what is before it.
#include "tools/ShortForms.h"

#include "runtime/data/ForAll.h"
#include "runtime/data/Preparation.h"

#include <algorithm>
#include <cstring>

namespace nnc::tools {

using namespace runtime;

ShortForms::ShortForms(const Plan &plan, const EntryPoint &whole,
                       std::vector<const Column *> columns)
    : whole(&whole), columns(std::move(columns)),
      forms(plan.shortFormsOf(whole)), pointers(whole.inputs.size()) {
  const auto size = [](const EntryPoint *form) {
    int64_t bytes = 0;
    for (const TensorInfo &input : form->inputs)
      bytes += input.sizeBytes(1);
    return bytes;
  };
  std::sort(forms.begin(), forms.end(),
            [&](const EntryPoint *lhs, const EntryPoint *rhs) {
              const int64_t left = size(lhs), right = size(rhs);
              return left != right ? left < right : lhs < rhs;
            });
  for (size_t i = 0; i < whole.inputs.size(); ++i)
    axes.push_back(axisOf(i));
  parts.resize(axes.size());
}

/// All forms have to be shorter in the same dimension.
std::optional<ShortForms::Axis> ShortForms::axisOf(size_t input) const {
  const TensorInfo &info = whole->inputs[input];
  std::optional<Axis> axis;
  for (const EntryPoint *form : forms)
    for (size_t d = 1; d < info.shape.size(); ++d)
      if (form->inputs[input].shape[d] != info.shape[d])
        axis = Axis{d, info.shape[d]};
  if (!axis)
    return axis;
  axis->placeBytes = runtime::sizeBytes(info.elementType);
  for (size_t d = 1; d < info.shape.size(); ++d) {
    if (d < axis->dimension)
      axis->outer *= info.shape[d];
    else if (d > axis->dimension)
      axis->placeBytes *= info.shape[d];
  }
  return axis;
}

/// Of an input, up to which place a sample has data, or from which end of its
/// places on.
int64_t ShortForms::usedPlaces(size_t input, const void *data,
                               int64_t batch) const {
  const Axis &axis = *axes[input];
  const Padding &padding = columns[input]->padding;
  const int64_t elementBytes =
      runtime::sizeBytes(whole->inputs[input].elementType);
  // Of floating-point numbers it is zero; machines are little-endian.
  uint8_t pattern[sizeof(int64_t)] = {};
  if (isInteger(whole->inputs[input].elementType))
    std::memcpy(pattern, &padding.value, sizeof pattern);
  const auto isPadding = [&](const uint8_t *place) {
    for (int64_t i = 0; i < axis.placeBytes; i += elementBytes)
      if (std::memcmp(place + i, pattern, size_t(elementBytes)) != 0)
        return false;
    return true;
  };
  const auto *row = static_cast<const uint8_t *>(data);
  int64_t used = 0;
  for (int64_t i = 0; i < batch * axis.outer; ++i) {
    for (int64_t count = axis.places; count > used; --count) {
      const int64_t place = padding.isLeft ? axis.places - count : count - 1;
      if (isPadding(row + place * axis.placeBytes))
        continue;
      used = count;
    }
    row += axis.places * axis.placeBytes;
  }
  return used;
}

/// The largest number of an input that indexes something, such as a length.
int64_t ShortForms::largest(size_t input, const void *data,
                            int64_t batch) const {
  const TensorInfo &info = whole->inputs[input];
  const auto *element = static_cast<const uint8_t *>(data);
  int64_t most = 0;
  for (int64_t left = info.numElements(batch); left > 0; --left) {
    most = std::max(most, int64_t(toDouble(info.elementType, element)));
    element += runtime::sizeBytes(info.elementType);
  }
  return most;
}

size_t ShortForms::choose(const void *const *inputs, int64_t batch) {
  size_t place = 0;
  for (size_t i = 0; i < axes.size() && place < forms.size(); ++i) {
    const auto fits = [&](int64_t used, auto limitOf) {
      while (place < forms.size() && used > limitOf(forms[place]->inputs[i]))
        ++place;
    };
    if (axes[i])
      fits(usedPlaces(i, inputs[i], batch), [&](const TensorInfo &info) {
        return info.shape[axes[i]->dimension];
      });
    const int64_t limit = whole->inputs[i].indexLimit;
    const bool isLower =
        std::any_of(forms.begin(), forms.end(), [&](const EntryPoint *form) {
          return form->inputs[i].indexLimit != limit;
        });
    if (isLower)
      fits(largest(i, inputs[i], batch),
           [](const TensorInfo &info) { return info.indexLimit - 1; });
  }
  return place;
}

/// Of input `input`, which pointers[input] has whole, what `form` takes.
void ShortForms::cut(size_t input, const EntryPoint &form, int64_t batch) {
  const Axis &axis = *axes[input];
  const int64_t kept = form.inputs[input].shape[axis.dimension];
  if (kept == axis.places)
    return;
  const int64_t skipped =
      columns[input]->padding.isLeft ? axis.places - kept : 0;
  const int64_t keptBytes = kept * axis.placeBytes;
  const auto *from =
      static_cast<const uint8_t *>(pointers[input]) + skipped * axis.placeBytes;
  std::vector<uint8_t> &part = parts[input];
  part.resize(size_t(batch * axis.outer * keptBytes));
  for (int64_t row = 0; row < batch * axis.outer; ++row)
    std::memcpy(part.data() + row * keptBytes,
                from + row * axis.places * axis.placeBytes, size_t(keptBytes));
  pointers[input] = part.data();
}

ShortForms::Chosen ShortForms::take(const void *const *inputs, int64_t batch) {
  const size_t place = choose(inputs, batch);
  if (place == forms.size())
    return {*whole, inputs};
  pointers.assign(inputs, inputs + axes.size());
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i])
      cut(i, *forms[place], batch);
  return {*forms[place], pointers.data()};
}

bool hasShortForms(const Plan &plan) {
  return std::any_of(
      plan.entryPoints.begin(), plan.entryPoints.end(),
      [](const EntryPoint &entry) { return !entry.shortOf.empty(); });
}

StatusOr<std::vector<uint8_t>>
formsOfSamples(const ShortForms &forms,
               const std::vector<const Column *> &columns, int numThreads) {
  struct Space {
    ShortForms forms;
    Workspace work;
    std::vector<AlignedBytes> samples;
    std::vector<const void *> pointers;
  };
  ThreadPool pool(numThreads);
  std::vector<Space> spaces;
  for (int i = 0; i < numThreads; ++i) {
    Space &space = spaces.emplace_back(Space{forms, {}, {}, {}});
    for (const Column *column : columns) {
      space.samples.emplace_back(size_t(column->sampleBytes()));
      space.pointers.push_back(space.samples.back().data());
    }
  }
  constexpr int64_t grain = 64;
  std::vector<uint8_t> places(size_t(columns.front()->numSamples));
  Status status = forAll(
      pool, int64_t(places.size()), grain, [&](int64_t sample, int thread) {
        Space &space = spaces[size_t(thread)];
        for (size_t i = 0; i < columns.size(); ++i)
          if (Status written = writeSample(*columns[i], sample, nullptr,
                                           space.work, space.samples[i].data());
              !written.isOk())
            return written;
        places[size_t(sample)] =
            uint8_t(space.forms.choose(space.pointers.data(), 1));
        return Status();
      });
  if (!status.isOk())
    return status;
  return places;
}

} // namespace nnc::tools
