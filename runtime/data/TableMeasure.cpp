// Measures what the steps of a table wait for, on the training samples.
#include "runtime/TextList.h"
#include "runtime/data/ForAll.h"
#include "runtime/data/Moments.h"
#include "runtime/data/Preparation.h"
#include "runtime/data/TableSamples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

namespace nnc::runtime {

static constexpr double noNumber = std::numeric_limits<double>::quiet_NaN();

namespace {
/// The smallest and the largest, a field each.
struct FieldRange {
  std::vector<double> least, most;

  explicit FieldRange(size_t fields = 0)
      : least(fields, std::numeric_limits<double>::infinity()),
        most(fields, -std::numeric_limits<double>::infinity()) {}
  void add(const FieldRange &other);
};

/// The search for the value of a rank, a digit a pass: radix selection.
struct Selection {
  uint64_t prefix = 0;
  int64_t rank = 0;
};
} // namespace

void FieldRange::add(const FieldRange &other) {
  for (size_t i = 0; i < least.size(); ++i) {
    least[i] = std::min(least[i], other.least[i]);
    most[i] = std::max(most[i], other.most[i]);
  }
}

/// Passes over the training samples of a table, in pieces of neighbours.
class TableMeasure {
public:
  TableMeasure(const TableSamples &table, const std::vector<int64_t> &samples,
               ThreadPool &pool)
      : table(table), samples(samples), pool(pool),
        fields(size_t(table.tableSteps->numFields())) {}

  StatusOr<Moments> moments() const;
  StatusOr<FieldRange> range() const;
  StatusOr<std::vector<double>> medians() const;
  StatusOr<std::vector<std::string>> names() const;

private:
  /// What each piece of `values`, its samples' fields before the open step one
  /// after the other, gives, added in the order of the pieces.
  template <typename Part, typename Make>
  Status eachPiece(Part &total, Make make) const;
  Status nextDigit(size_t first, int shift,
                   std::vector<Selection> &sides) const;
  Status selectMedians(const Moments &known,
                       std::vector<double> &medians) const;
  Status gatherMedians(size_t atOnce, std::vector<double> &medians) const;
  StatusOr<std::vector<int64_t>> counts() const;

  const TableSamples &table;
  const std::vector<int64_t> &samples;
  ThreadPool &pool;
  const size_t fields;
};

template <typename Part, typename Make>
Status TableMeasure::eachPiece(Part &total, Make make) const {
  constexpr size_t mostValues = size_t(1) << 16;
  const size_t piece = std::max<size_t>(1, mostValues / fields);
  const size_t numPieces = (samples.size() + piece - 1) / piece;
  const size_t atOnce = size_t(pool.numThreads()) * 4;
  std::vector<Workspace> work(size_t(pool.numThreads()));
  for (size_t first = 0; first < numPieces; first += atOnce) {
    const size_t count = std::min(atOnce, numPieces - first);
    std::vector<Part> parts(count);
    Status status =
        forAll(pool, int64_t(count), 1, [&](int64_t p, int thread) -> Status {
          const size_t begin = (first + size_t(p)) * piece;
          const size_t end = std::min(begin + piece, samples.size());
          std::vector<double> values;
          Workspace &space = work[size_t(thread)];
          for (size_t i = begin; i < end; ++i) {
            if (Status read = table.fields(samples[i], space); !read.isOk())
              return read;
            if (Status done =
                    table.tableSteps->applyToOpen(space.fields.data());
                !done.isOk())
              return table.failAt(samples[i], done);
            values.insert(values.end(), space.fields.begin(),
                          space.fields.end());
          }
          parts[size_t(p)] = make(values);
          return {};
        });
    if (!status.isOk())
      return status;
    for (const Part &part : parts)
      total.add(part);
  }
  return {};
}

StatusOr<Moments> TableMeasure::moments() const {
  Moments total(fields);
  Status status = eachPiece(total, [&](const std::vector<double> &values) {
    Moments own(fields);
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isnan(values[i]))
        own.add(i % fields, values[i]);
    return own;
  });
  if (!status.isOk())
    return status;
  return total;
}

StatusOr<FieldRange> TableMeasure::range() const {
  FieldRange total(fields);
  Status status = eachPiece(total, [&](const std::vector<double> &values) {
    FieldRange own(fields);
    for (size_t i = 0; i < values.size(); ++i)
      if (!std::isnan(values[i])) {
        own.least[i % fields] = std::min(own.least[i % fields], values[i]);
        own.most[i % fields] = std::max(own.most[i % fields], values[i]);
      }
    return own;
  });
  if (!status.isOk())
    return status;
  return total;
}

//===----------------------------------------------------------------------===//
// Medians
//===----------------------------------------------------------------------===//

/// The bits of a number, in an order that is the numbers' own.
static uint64_t orderedBits(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  constexpr uint64_t sign = uint64_t(1) << 63;
  return bits & sign ? ~bits : bits | sign;
}

static double fromOrderedBits(uint64_t bits) {
  constexpr uint64_t sign = uint64_t(1) << 63;
  bits = bits & sign ? bits & ~sign : ~bits;
  double number;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

namespace {
constexpr int digitBits = 8;
constexpr size_t numDigits = size_t(1) << digitBits;

/// How many values have each next digit behind the prefix of a selection.
struct Digits {
  std::vector<int64_t> counts;

  void add(const Digits &other) {
    for (size_t i = 0; i < counts.size(); ++i)
      counts[i] += other.counts[i];
  }
};
} // namespace

/// Adds the next digit to each prefix; two selections a field of the group that
/// begins with `first`.
Status TableMeasure::nextDigit(size_t first, int shift,
                               std::vector<Selection> &sides) const {
  const Digits none{std::vector<int64_t>(sides.size() * numDigits)};
  Digits total = none;
  Status status = eachPiece(total, [&](const std::vector<double> &values) {
    Digits own = none;
    for (size_t row = 0; row < values.size(); row += fields)
      for (size_t side = 0; side < sides.size(); ++side) {
        const double value = values[row + first + side / 2];
        const uint64_t bits = orderedBits(value);
        const bool isFirst = shift == 64 - digitBits;
        if (!std::isnan(value) &&
            (isFirst || bits >> (shift + digitBits) == sides[side].prefix))
          ++own.counts[side * numDigits + ((bits >> shift) & (numDigits - 1))];
      }
    return own;
  });
  for (size_t side = 0; side < sides.size() && status.isOk(); ++side) {
    const int64_t *counts = &total.counts[side * numDigits];
    uint64_t digit = 0;
    while (digit + 1 < numDigits && sides[side].rank >= counts[digit])
      sides[side].rank -= counts[digit++];
    sides[side].prefix = sides[side].prefix << digitBits | digit;
  }
  return status;
}

static double middle(double least, double most) {
  return least + (most - least) / 2;
}

/// Of any number of samples: none is kept.
Status TableMeasure::selectMedians(const Moments &known,
                                   std::vector<double> &medians) const {
  // What is counted at once has a bound.
  constexpr size_t group = 256;
  for (size_t first = 0; first < fields; first += group) {
    // The two values in the middle.
    std::vector<Selection> sides;
    for (size_t i = first; i < std::min(first + group, fields); ++i) {
      const auto count = int64_t(known.count[i]);
      sides.push_back({0, std::max<int64_t>(0, (count - 1) / 2)});
      sides.push_back({0, count / 2});
    }
    for (int shift = 64 - digitBits; shift >= 0; shift -= digitBits)
      if (Status status = nextDigit(first, shift, sides); !status.isOk())
        return status;
    for (size_t i = 0; i < sides.size(); i += 2)
      medians.push_back(known.count[first + i / 2] > 0
                            ? middle(fromOrderedBits(sides[i].prefix),
                                     fromOrderedBits(sides[i + 1].prefix))
                            : noNumber);
  }
  return {};
}

namespace {
/// Numbers one behind the other.
struct Gathered {
  std::vector<double> values;

  void add(const Gathered &other) {
    values.insert(values.end(), other.values.begin(), other.values.end());
  }
};
} // namespace

/// Of numbers, which it brings into another order.
static double medianOf(std::vector<double> &numbers) {
  if (numbers.empty())
    return noNumber;
  const auto half = numbers.begin() + std::ptrdiff_t(numbers.size() / 2);
  std::nth_element(numbers.begin(), half, numbers.end());
  const bool isOne = numbers.size() % 2 == 1;
  return middle(isOne ? *half : *std::max_element(numbers.begin(), half),
                *half);
}

/// Of so few samples that the values of `atOnce` fields are kept.
Status TableMeasure::gatherMedians(size_t atOnce,
                                   std::vector<double> &medians) const {
  for (size_t first = 0; first < fields; first += atOnce) {
    const size_t count = std::min(atOnce, fields - first);
    Gathered all;
    Status status = eachPiece(all, [&](const std::vector<double> &values) {
      Gathered own;
      for (size_t row = first; row < values.size(); row += fields)
        own.values.insert(own.values.end(), &values[row], &values[row] + count);
      return own;
    });
    if (!status.isOk())
      return status;
    for (size_t i = 0; i < count; ++i) {
      std::vector<double> numbers;
      for (size_t place = i; place < all.values.size(); place += count)
        if (!std::isnan(all.values[place]))
          numbers.push_back(all.values[place]);
      medians.push_back(medianOf(numbers));
    }
  }
  return {};
}

StatusOr<std::vector<double>> TableMeasure::medians() const {
  constexpr size_t mostKept = size_t(1) << 20;
  constexpr size_t fewest = 256; // as selectMedians goes through at once
  std::vector<double> result;
  const size_t atOnce = mostKept / std::max<size_t>(1, samples.size());
  if (atOnce >= std::min(fewest, fields)) {
    Status status = gatherMedians(std::max<size_t>(1, atOnce), result);
    return status.isOk() ? StatusOr(std::move(result)) : status;
  }
  StatusOr<Moments> known = moments();
  if (!known.isOk())
    return known.status();
  Status status = selectMedians(*known, result);
  return status.isOk() ? StatusOr(std::move(result)) : status;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// How often each name stands in the training samples.
StatusOr<std::vector<int64_t>> TableMeasure::counts() const {
  std::vector<int64_t> counts(table.raw.classes.size());
  Workspace work;
  for (int64_t sample : samples) {
    if (Status status = table.read(sample, work); !status.isOk())
      return status;
    for (double field : work.fields)
      ++counts[size_t(field)];
  }
  return counts;
}

/// Numbers in their order, and before names.
static bool comesBefore(const std::string &a, const std::string &b) {
  double left = 0, right = 0;
  const bool isLeft = parseDecimal(a, left), isRight = parseDecimal(b, right);
  if (isLeft && isRight && left != right)
    return left < right;
  return isLeft != isRight ? isLeft : a < b;
}

/// Classes are all that the file has, sorted; categories those that are most
/// frequent, the most frequent first.
StatusOr<std::vector<std::string>> TableMeasure::names() const {
  const TableSteps &steps = *table.tableSteps;
  StatusOr<std::vector<int64_t>> found = counts();
  if (!found.isOk())
    return found.status();
  // What is missing may count as a name that stands in the file, too.
  std::map<std::string, int64_t> counts;
  const bool areClasses = steps.kind() == TableSteps::Kind::Classes;
  for (size_t i = 0; i < found->size(); ++i)
    if (const std::string &name = steps.counted(table.raw.classes[i]);
        !name.empty() && (areClasses || (*found)[i] > 0))
      counts[name] += areClasses ? 0 : (*found)[i];
  std::vector<std::pair<std::string, int64_t>> counted(counts.begin(),
                                                       counts.end());
  std::sort(counted.begin(), counted.end(), [](const auto &a, const auto &b) {
    return a.second != b.second ? a.second > b.second
                                : comesBefore(a.first, b.first);
  });
  std::vector<std::string> names;
  for (auto &[name, count] : counted)
    names.push_back(std::move(name));
  const int64_t most = steps.mostNames();
  if (!areClasses && int64_t(names.size()) > most)
    names.resize(size_t(most));
  return names;
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

static Status checkMeasured(const std::vector<double> &numbers,
                            const std::string &input) {
  for (size_t i = 0; i < numbers.size(); ++i)
    if (!std::isfinite(numbers[i]))
      return {Code::InvalidFile,
              concat("column ", i, " of input ", quote(input),
                     " cannot be measured: ",
                     std::isnan(numbers[i])
                         ? "none of the training samples has a value there"
                         : "its numbers are too large")};
  return {};
}

static Status checkClasses(const TableSteps &steps,
                           const std::vector<std::string> &names) {
  const TensorInfo &input = steps.input();
  const int64_t most = steps.mostNames();
  if (names.empty())
    return {
        Code::InvalidFile,
        concat("the training data have no name for input ", quote(input.name))};
  if (steps.kind() != TableSteps::Kind::Classes ||
      int64_t(names.size()) <= most)
    return {};
  return {Code::InvalidFile,
          concat(names.size(), " classes, ", listNames(names), "; input ",
                 quote(input.name), " takes at most ", most)};
}

/// Means, and deviations where these are wanted.
static Status measureMoments(const TableMeasure &pass, const std::string &input,
                             std::vector<double> &means,
                             std::vector<double> *deviations) {
  StatusOr<Moments> moments = pass.moments();
  if (!moments.isOk())
    return moments.status();
  for (size_t i = 0; i < moments->mean.size(); ++i) {
    means.push_back(moments->count[i] > 0 ? moments->mean[i] : noNumber);
    if (deviations)
      deviations->push_back(moments->deviation(i));
  }
  Status status = checkMeasured(means, input);
  return status.isOk() && deviations ? checkMeasured(*deviations, input)
                                     : status;
}

static Status measureNext(const TableMeasure &pass, const TableSteps &steps,
                          TableFacts &facts) {
  const std::string &input = steps.input().name;
  const TableSteps::Open open = steps.open();
  if (open == TableSteps::Open::Scale)
    return measureMoments(pass, input, facts.mean, &facts.deviation);
  if (open == TableSteps::Open::Range) {
    StatusOr<FieldRange> range = pass.range();
    if (!range.isOk())
      return range.status();
    for (size_t i = 0; i < range->least.size(); ++i)
      if (range->least[i] > range->most[i])
        range->least[i] = noNumber;
    facts.least = std::move(range->least);
    facts.most = std::move(range->most);
    return checkMeasured(facts.least, input);
  }
  if (open == TableSteps::Open::Fill &&
      steps.missing() == TableSteps::Missing::Mean)
    return measureMoments(pass, input, facts.fill, nullptr);
  if (open == TableSteps::Open::Fill) {
    StatusOr<std::vector<double>> medians = pass.medians();
    if (!medians.isOk())
      return medians.status();
    facts.fill = std::move(*medians);
    return checkMeasured(facts.fill, input);
  }
  StatusOr<std::vector<std::string>> names = pass.names();
  if (!names.isOk())
    return names.status();
  facts.names = std::move(*names);
  return checkClasses(steps, facts.names);
}

Status TableSamples::settleClasses() {
  if (tableSteps->kind() != TableSteps::Kind::Classes ||
      tableSteps->open() != TableSteps::Open::Names)
    return {};
  ThreadPool pool(1);
  TableFacts facts;
  Status status =
      measureNext(TableMeasure(*this, {}, pool), *tableSteps, facts);
  return status.isOk() ? settle(facts) : status;
}

StatusOr<TableFacts> TableSamples::measure(const std::vector<int64_t> &samples,
                                           ThreadPool &pool) {
  TableFacts facts;
  while (tableSteps->open() != TableSteps::Open::Nothing) {
    Status status =
        measureNext(TableMeasure(*this, samples, pool), *tableSteps, facts);
    if (status.isOk())
      status = settle(facts);
    if (!status.isOk())
      return status;
  }
  return facts;
}

} // namespace nnc::runtime
