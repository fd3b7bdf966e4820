// Chooses the steps of an input, and takes samples through them.
#include "runtime/data/Preparation.h"

#include "runtime/SampleSteps.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace nnc::runtime {

bool hasStep(const Recipe &recipe, std::string_view input,
             std::string_view step) {
  return std::any_of(recipe.sampleSteps.begin(), recipe.sampleSteps.end(),
                     [&](const SampleStep &candidate) {
                       return candidate.input == input &&
                              candidate.step == step;
                     });
}

static Status wrongFor(const SampleStep &step, const char *expected,
                       const TensorInfo &input) {
  return {Code::InvalidArgument,
          concat("'", step.step, "' is for ", expected, ", input ",
                 quote(input.name), " is ",
                 describe(input.elementType, input.shape))};
}

Status Preparation::add(const SampleStep &step, uint32_t stream,
                        const TensorInfo &input, ValueRange range) {
  if (std::string problem = explainSampleStep(step.step, step.arguments);
      !problem.empty())
    return {Code::InvalidArgument, problem};
  const bool isPicture = input.shape.size() == 3 || input.shape.size() == 4;
  std::unique_ptr<Transform> transform;
  if (step.step == "mixup") {
    if (alpha > 0)
      return {Code::InvalidArgument, "'mixup' is given twice"};
    alpha = stepNumberOr(step.arguments, "alpha", 0);
    alphaSource = step.source;
    return {};
  }
  if (step.step == "normalize") {
    if (!isFloat(elementType))
      return wrongFor(step, "inputs that hold fractions, such as f32", input);
    auto normalize = std::make_unique<Normalize>(step);
    if (normalize->isOpen() && open)
      return {Code::InvalidArgument,
              concat("two steps of input ", quote(input.name),
                     " would be measured; give one of them its numbers")};
    if (normalize->isOpen()) {
      open = normalize.get();
      openPlace = steps.size();
    }
    transform = std::move(normalize);
  } else if (step.step == "one_hot") {
    if (!isFloat(elementType) || input.shape.size() != 2 || !steps.empty())
      return wrongFor(step, "an input such as f32[batch, 10] and stands alone",
                      input);
    transform = makeOneHot(input.shape[1]);
  } else if (!isPicture) {
    return wrongFor(step, "pictures, which have two or three dimensions",
                    input);
  } else if (step.step == "crop") {
    transform = makeCrop(step);
  } else if (step.step == "flip") {
    transform = makeFlip(step);
  } else if (step.step == "resize") {
    transform = makeResize(step);
  } else if (step.step == "rotate") {
    transform = makeRotate(step);
  } else if (step.step == "cutout") {
    transform = makeCutout(step);
  } else {
    transform = makeJitter(step, range);
  }
  steps.push_back({std::move(transform), stream, step.source});
  return {};
}

StatusOr<std::shared_ptr<Preparation>>
Preparation::create(const Recipe &recipe, const TensorInfo &input,
                    bool channelsFirst, ElementType stored,
                    std::string *source) {
  auto result = std::make_shared<Preparation>();
  result->inputName = input.name;
  result->elementType = input.elementType;
  result->channelsFirst = channelsFirst;
  const Shape sampleShape(input.shape.begin() + 1, input.shape.end());
  std::optional<PictureSize> extent = extentOf(sampleShape, channelsFirst);
  if (!extent)
    return Status(Code::InvalidArgument,
                  concat("steps are for samples of at most three dimensions, "
                         "input ",
                         quote(input.name), " is ",
                         describe(input.elementType, input.shape)));
  result->extent = *extent;
  constexpr float noLimit = std::numeric_limits<float>::infinity();
  const ValueRange range = stored == ElementType::U8
                               ? ValueRange{0, 255}
                               : ValueRange{-noLimit, noLimit};
  uint32_t stream = StepRandom::firstStream;
  for (const SampleStep &step : recipe.sampleSteps) {
    ++stream;
    if (step.input != input.name)
      continue;
    if (Status status = result->add(step, stream, input, range);
        !status.isOk()) {
      if (source)
        *source = step.source;
      return status;
    }
  }
  return result;
}

Status Preparation::check(PictureSize of, std::string *source) const {
  // A step may make a picture larger before another makes it small.
  constexpr int64_t mostValues = int64_t(1) << 28;
  const PictureSize found = of;
  for (const Step &step : steps) {
    Status status = step.transform->fit(of);
    const auto values = numElements({of.height, of.width, of.channels});
    if (status.isOk() && (!values || *values > mostValues))
      status = {Code::InvalidArgument,
                concat("a step makes a sample of ", describe(of),
                       ", expected at most 2^28 values")};
    if (status.isOk())
      continue;
    if (source)
      *source = step.source;
    return status;
  }
  if (of == extent)
    return {};
  const bool isPicture = extent.height > 1 || extent.width > 1;
  return {Code::InvalidFile,
          concat("a sample is ", describe(found),
                 of == found ? std::string()
                             : concat(", after its steps ", describe(of)),
                 ", input ", quote(inputName), " takes ", describe(extent),
                 isPicture && of.channels == extent.channels
                     ? concat("; the step resize(", extent.height, ", ",
                              extent.width, ") makes it so")
                     : std::string())};
}

void Preparation::apply(Workspace &work, const Draw *draw,
                        int64_t sample) const {
  for (const Step &step : steps) {
    if (!draw) {
      step.transform->apply(work, nullptr);
      continue;
    }
    const StepRandom random(*draw, sample, step.stream);
    step.transform->apply(work, &random);
  }
}

void Preparation::applyToOpen(Workspace &work) const {
  for (size_t i = 0; i < openPlace; ++i)
    steps[i].transform->apply(work, nullptr);
}

void Preparation::settle(const Normalization &measured) {
  if (open)
    open->settle(measured.mean, measured.deviation);
}

/// The nearest value that the type holds; infinity for what is beyond a
/// floating-point type, 0 for what is no number in one of integers.
static void storeNumber(ElementType type, float value, uint8_t *to) {
  double number = value;
  if (isFloat(type)) {
    if (!fits(type, number))
      number = std::copysign(std::numeric_limits<double>::infinity(), number);
  } else {
    // f32 has no numbers between these and the largest of their types.
    const double most = type == ElementType::I32   ? 2147483520.0
                        : type == ElementType::I64 ? 0x1p62
                        : type == ElementType::U32 ? 4294967040.0
                                                   : 1;
    const bool isSigned = type == ElementType::I32 || type == ElementType::I64;
    number = std::isnan(number) ? 0
                                : std::clamp(std::nearbyint(number),
                                             isSigned ? -most : 0.0, most);
  }
  fromDouble(type, number, to);
}

void Preparation::store(Workspace &work, uint8_t *to) const {
  const Picture *picture = &work.picture;
  if (channelsFirst && extent.channels > 1) {
    work.next.resize(extent);
    const int64_t places = extent.height * extent.width;
    for (int64_t channel = 0; channel < extent.channels; ++channel)
      for (int64_t place = 0; place < places; ++place)
        work.next.values[channel * places + place] =
            work.picture.values[place * extent.channels + channel];
    picture = &work.next;
  }
  const int64_t count = extent.numValues();
  if (elementType == ElementType::F32) {
    std::memcpy(to, picture->values.data(), size_t(count) * sizeof(float));
    return;
  }
  if (elementType == ElementType::U8) {
    // The usual one without a call for each; what is no number becomes 0.
    for (int64_t i = 0; i < count; ++i) {
      const float value = picture->values[size_t(i)];
      to[i] = value > 0 ? uint8_t(std::min(value, 255.0f) + 0.5f) : 0;
    }
    return;
  }
  const int64_t bytes = sizeBytes(elementType);
  for (int64_t i = 0; i < count; ++i)
    storeNumber(elementType, picture->values[size_t(i)], to + i * bytes);
}

Status writeSample(const Column &column, int64_t index, const Draw *draw,
                   Workspace &work, uint8_t *to) {
  if (column.isInMemory()) {
    const int64_t bytes = column.sampleBytes();
    std::memcpy(to, column.data.data() + index * bytes, size_t(bytes));
    return {};
  }
  if (column.stored)
    return column.stored->write(index, work, to);
  if (Status status = column.samples->read(index, work); !status.isOk())
    return status;
  column.preparation->apply(work, draw, index);
  column.preparation->store(work, to);
  return {};
}

StatusOr<Column> inMemory(Column column) {
  if (column.isInMemory())
    return column;
  const int64_t bytes = column.sampleBytes();
  column.data = AlignedBytes(size_t(column.numSamples * bytes));
  Workspace work;
  for (int64_t i = 0; i < column.numSamples; ++i)
    if (Status status = writeSample(column, i, nullptr, work,
                                    column.data.data() + i * bytes);
        !status.isOk())
      return status;
  column.samples.reset();
  column.preparation.reset();
  column.stored.reset();
  column.table.reset();
  return column;
}

} // namespace nnc::runtime
