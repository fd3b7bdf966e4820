// Measures the values of samples, and writes what came of it as notes.
#include "runtime/data/DataFacts.h"

#include "runtime/SampleSteps.h"
#include "runtime/data/ForAll.h"
#include "runtime/text/Json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace nnc::runtime {

// Between the input's name and what is said of it; the last of a key counts, so
// that an input may be called anything.
static constexpr std::string_view dataPrefix = "nnc.data/";
static constexpr std::string_view classesSuffix = "/classes";
static constexpr std::string_view meanSuffix = "/mean";
static constexpr std::string_view deviationSuffix = "/deviation";
static constexpr std::string_view vocabularySuffix = "/vocabulary";

static std::string keyOf(const std::string &input, std::string_view suffix) {
  return concat(std::string(dataPrefix), input, std::string(suffix));
}

static std::string numbersText(const std::vector<double> &numbers) {
  std::string text;
  for (double number : numbers) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", number);
    text += concat(text.empty() ? "" : ",", digits);
  }
  return text;
}

const std::vector<std::string> *DataFacts::classesOf(size_t count) const {
  const std::vector<std::string> *found = nullptr;
  for (const auto &[input, names] : classes) {
    if (names.size() != count)
      continue;
    if (found)
      return nullptr;
    found = &names;
  }
  return found;
}

/// Names of folders have no slash, so slashes stand between them; names that
/// have some, or begin as a list of JSON's does, are one.
static std::string namesText(const std::vector<std::string> &names) {
  std::string text;
  bool isPlain = !names.empty() && names[0].substr(0, 1) != "[";
  for (const std::string &name : names) {
    isPlain &= name.find('/') == std::string::npos;
    text += concat(text.empty() ? "" : "/", name);
  }
  return isPlain ? text : toText(names);
}

void DataFacts::save(Metadata &notes) const {
  for (const auto &[input, names] : classes) {
    notes[keyOf(input, classesSuffix)] = namesText(names);
  }
  for (const auto &[input, vocabulary] : vocabularies)
    notes[keyOf(input, vocabularySuffix)] = vocabulary;
  for (const auto &[input, numbers] : normalization) {
    notes[keyOf(input, meanSuffix)] = numbersText(numbers.mean);
    notes[keyOf(input, deviationSuffix)] = numbersText(numbers.deviation);
  }
}

/// The input that a key is about, where the key ends so.
static std::optional<std::string> inputOf(std::string_view key,
                                          std::string_view suffix) {
  if (!startsWith(key, dataPrefix) ||
      key.size() < dataPrefix.size() + suffix.size() ||
      key.substr(key.size() - suffix.size()) != suffix)
    return std::nullopt;
  key.remove_prefix(dataPrefix.size());
  return std::string(key.substr(0, key.size() - suffix.size()));
}

static std::vector<std::string> splitNames(std::string_view text) {
  std::vector<std::string> names;
  if (text.substr(0, 1) == "[") {
    StatusOr<nlohmann::json> list = parseJson(text, "");
    const bool isList = list.isOk() && std::all_of(list->begin(), list->end(),
                                                   [](const auto &name) {
                                                     return name.is_string();
                                                   });
    if (isList)
      return list->get<std::vector<std::string>>();
  }
  while (true) {
    const size_t slash = text.find('/');
    names.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos)
      return names;
    text.remove_prefix(slash + 1);
  }
}

StatusOr<DataFacts> DataFacts::restore(const Metadata &notes,
                                       const std::string &path) {
  DataFacts facts;
  for (const auto &[key, text] : notes) {
    if (auto input = inputOf(key, classesSuffix))
      facts.classes[*input] = splitNames(text);
    if (auto input = inputOf(key, vocabularySuffix))
      facts.vocabularies[*input] = text;
    const bool isMean = inputOf(key, meanSuffix).has_value();
    auto input = inputOf(key, isMean ? meanSuffix : deviationSuffix);
    if (!input)
      continue;
    Normalization &numbers = facts.normalization[*input];
    std::vector<double> &to = isMean ? numbers.mean : numbers.deviation;
    if (!parseStepNumbers(text, to) ||
        (!isMean && !std::all_of(to.begin(), to.end(),
                                 [](double number) { return number > 0; })))
      return Status(
          Code::InvalidFile,
          concat(path, ": note ", quote(key), " is ", quote(text),
                 isMean ? ", expected numbers" : ", expected numbers above 0"));
  }
  for (const auto &[input, numbers] : facts.normalization)
    if (numbers.mean.size() != numbers.deviation.size())
      return Status(Code::InvalidFile,
                    concat(path, ": notes of input ", quote(input), ": ",
                           numbers.mean.size(), " means and ",
                           numbers.deviation.size(), " deviations"));
  return facts;
}

//===----------------------------------------------------------------------===//
// Measuring
//===----------------------------------------------------------------------===//

namespace {
/// Count, mean, and the sum of squared distances from it, a channel each.
struct Moments {
  double count = 0;
  std::vector<double> mean, squares;

  void add(const Picture &picture);
  void add(const Moments &other);
};
} // namespace

void Moments::add(const Picture &picture) {
  const auto channels = size_t(picture.extent.channels);
  const size_t places = channels ? picture.values.size() / channels : 0;
  Moments own;
  own.count = double(places);
  own.mean.resize(channels);
  own.squares.resize(channels);
  for (size_t channel = 0; channel < channels && places > 0; ++channel) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < places; ++i)
      sum += picture.values[i * channels + channel];
    const double middle = sum / double(places);
    for (size_t i = 0; i < places; ++i) {
      const double distance = picture.values[i * channels + channel] - middle;
      squares += distance * distance;
    }
    own.mean[channel] = middle;
    own.squares[channel] = squares;
  }
  add(own);
}

// Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
// Computing Sample Variances", 1979, equation 2.1.
void Moments::add(const Moments &other) {
  if (other.count == 0)
    return;
  mean.resize(other.mean.size());
  squares.resize(other.mean.size());
  const double total = count + other.count;
  for (size_t channel = 0; channel < mean.size(); ++channel) {
    const double distance = other.mean[channel] - mean[channel];
    mean[channel] += distance * other.count / total;
    squares[channel] += other.squares[channel] +
                        distance * distance * count * other.count / total;
  }
  count = total;
}

/// A part of the samples at a time: what each of them has is kept until it is
/// added in their order.
static StatusOr<Moments> measureColumn(const Column &column,
                                       const std::vector<int64_t> &samples,
                                       ThreadPool &pool) {
  constexpr size_t piece = 4096;
  std::vector<Workspace> work(size_t(pool.numThreads()));
  std::vector<Moments> parts(std::min(piece, samples.size()));
  Moments total;
  for (size_t first = 0; first < samples.size(); first += piece) {
    const size_t count = std::min(piece, samples.size() - first);
    Status status =
        forAll(pool, int64_t(count), 8, [&](int64_t i, int thread) -> Status {
          Workspace &space = work[size_t(thread)];
          Status read = column.samples->read(samples[first + size_t(i)], space);
          if (!read.isOk())
            return read;
          column.preparation->applyToOpen(space);
          parts[size_t(i)] = {};
          parts[size_t(i)].add(space.picture);
          return {};
        });
    if (!status.isOk())
      return status;
    for (size_t i = 0; i < count; ++i)
      total.add(parts[i]);
  }
  return total;
}

static Status checkFinite(const Column &column, const Normalization &found) {
  for (size_t channel = 0; channel < found.mean.size(); ++channel)
    if (!std::isfinite(found.mean[channel]) ||
        !std::isfinite(found.deviation[channel]))
      return {Code::InvalidFile,
              concat("the data of input ", quote(column.name),
                     " cannot be measured: not all of their numbers are "
                     "finite")};
  return {};
}

Status measure(std::vector<Column> &columns,
               const std::vector<int64_t> &samples, int numThreads,
               DataFacts &facts) {
  return guardMemory([&]() -> Status {
    ThreadPool pool(numThreads);
    for (const Column &column : columns) {
      if (!column.preparation || !column.preparation->isOpen() ||
          facts.normalization.count(column.name))
        continue;
      StatusOr<Moments> moments = measureColumn(column, samples, pool);
      if (!moments.isOk())
        return moments.status();
      Normalization found;
      found.mean = moments->mean;
      for (double squares : moments->squares) {
        const double deviation = std::sqrt(squares / moments->count);
        // What is the same everywhere becomes 0.
        found.deviation.push_back(deviation == 0 ? 1 : deviation);
      }
      if (Status status = checkFinite(column, found); !status.isOk())
        return status;
      facts.normalization[column.name] = std::move(found);
    }
    return settle(columns, facts);
  });
}

Status settle(std::vector<Column> &columns, const DataFacts &facts) {
  for (Column &column : columns) {
    auto known = facts.normalization.find(column.name);
    if (!column.preparation || !column.preparation->isOpen() ||
        known == facts.normalization.end())
      continue;
    column.preparation->settle(known->second);
    for (int64_t i = 0; i < std::min<int64_t>(column.numSamples, 1); ++i)
      if (Status status =
              column.preparation->check(column.samples->extent(i), nullptr);
          !status.isOk())
        return {Code::InvalidFile,
                concat("the measured numbers of input ", quote(column.name),
                       " are of other data: ", status.message())};
  }
  return {};
}

Status checkSettled(const std::vector<Column> &columns,
                    const std::string &weights) {
  for (const Column &column : columns)
    if (column.preparation && column.preparation->isOpen())
      return {Code::InvalidArgument,
              concat(weights, ": no measured mean and deviation of input ",
                     quote(column.name),
                     ", which its step normalize needs: they come with weights "
                     "that nnc train has saved; else give the step its "
                     "numbers")};
  return {};
}

} // namespace nnc::runtime
