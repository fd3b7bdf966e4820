// Chooses the steps of a table's input, and takes fields through them.
#include "runtime/TableSteps.h"

#include "runtime/SampleSteps.h"
#include "runtime/Tensor.h"
#include "runtime/TextList.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace nnc::runtime {

static constexpr double missingNumber =
    std::numeric_limits<double>::quiet_NaN();

bool parseDecimal(std::string_view text, double &number) {
  // from_chars takes no plus sign; behind one, no other sign.
  if (text.substr(0, 1) == "+")
    text = text.substr(1, 1) == "-" ? "" : text.substr(1);
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  // from_chars leaves it to its caller what becomes of 1e-400; C makes it 0.
  if (error == std::errc::result_out_of_range)
    number = std::strtod(std::string(text).c_str(), nullptr);
  else if (error != std::errc())
    return false;
  return stop == end;
}

bool isMissingMark(std::string_view field) {
  static constexpr std::string_view marks[] = {
      "",     "NA",   "N/A",  "n/a",  "na",  "NaN", "nan",
      "NULL", "null", "None", "none", "NaT", "?",   "-nan"};
  return std::find(std::begin(marks), std::end(marks), field) !=
         std::end(marks);
}

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

static bool isFraction(ElementType type) {
  return !isInteger(type) && type != ElementType::Bool;
}

static Status wrongFor(const std::string &step, const std::string &expected,
                       const TensorInfo &input) {
  return {Code::InvalidArgument,
          concat("'", step, "' is for ", expected, ", input ",
                 quote(input.name), " is ",
                 describe(input.elementType, input.shape))};
}

bool TableSteps::areFor(const Recipe &recipe, const std::string &input) {
  static constexpr std::string_view own[] = {
      "categories", "classes", "clip",    "date",    "hashing",
      "log",        "mask",    "min_max", "missing", "standardize"};
  return std::any_of(recipe.sampleSteps.begin(), recipe.sampleSteps.end(),
                     [&](const SampleStep &step) {
                       return step.input == input &&
                              std::find(std::begin(own), std::end(own),
                                        step.step) != std::end(own);
                     });
}

StatusOr<std::shared_ptr<TableSteps>>
TableSteps::create(const Recipe &recipe, const TensorInfo &input,
                   std::string *source) {
  auto result = std::make_shared<TableSteps>();
  result->info = input;
  for (const SampleStep &step : recipe.sampleSteps) {
    if (step.input != input.name)
      continue;
    if (Status status = result->add(step); !status.isOk()) {
      if (source)
        *source = step.source;
      return status;
    }
  }
  if (input.shape.size() > 2)
    return Status(Code::InvalidArgument,
                  concat("the steps of input ", quote(input.name),
                         " are for tables, whose inputs are such as f32[batch] "
                         "or f32[batch, 20], found ",
                         describe(input.elementType, input.shape)));
  if (!result->isOneHot && input.shape.size() == 2)
    result->fieldCount = input.shape[1];
  const std::string missing = concat("missing = ", result->fillName);
  if (result->takesNames() && result->isFillMeasured())
    return wrongFor(missing,
                    "numbers; names take missing = drop or "
                    "a name, as in missing = \"unknown\"",
                    input);
  if (result->fieldKind == Kind::Hash && result->isFillMeasured())
    return wrongFor(missing,
                    "numbers; what is hashed takes missing = drop or the "
                    "number of a bucket",
                    input);
  if (Status status = result->checkLimit(); !status.isOk())
    return status;
  return result;
}

Status TableSteps::add(const SampleStep &step) {
  if (std::string problem = explainSampleStep(step.step, step.arguments);
      !problem.empty())
    return {Code::InvalidArgument, problem};
  if (step.step == "missing")
    return addMissing(step);
  if (step.step == "mask") {
    maskInput = *findStepArgument(step.arguments, "input");
    if (whatOfMissing == Missing::Error)
      whatOfMissing = Missing::Zero;
    return {};
  }
  static constexpr std::pair<std::string_view, Kind> readings[] = {
      {"categories", Kind::Categories},
      {"classes", Kind::Classes},
      {"date", Kind::Date},
      {"hashing", Kind::Hash}};
  for (auto [name, kind] : readings)
    if (step.step == name)
      return addReading(step, kind);
  static constexpr std::pair<std::string_view, Step::Kind> scales[] = {
      {"clip", Step::Kind::Clip},
      {"log", Step::Kind::Log},
      {"min_max", Step::Kind::MinMax},
      {"standardize", Step::Kind::Standardize}};
  for (auto [name, kind] : scales)
    if (step.step == name)
      return addScale(step, kind);
  if (step.step == "one_hot") {
    if (!isFraction(info.elementType) || info.shape.size() != 2)
      return wrongFor(step.step, "an input such as f32[batch, 10]", info);
    isOneHot = true;
    return {};
  }
  return {Code::InvalidArgument,
          concat("'", step.step,
                 "' does not stand beside steps of tables, as "
                 "input ",
                 quote(info.name), " has some",
                 step.step == "normalize"
                     ? "; standardize does the same by measured numbers"
                     : "")};
}

Status TableSteps::addReading(const SampleStep &step, Kind kind) {
  if (fieldKind != Kind::Number || !steps.empty() || isOneHot)
    return {Code::InvalidArgument,
            concat("'", step.step,
                   "' says what a field is, and stands first "
                   "and alone of its kind")};
  fieldKind = kind;
  if (kind == Kind::Date) {
    datePart = *findStepArgument(step.arguments, "part");
    if (const std::string *format = findStepArgument(step.arguments, "format"))
      dateFormat = *format;
  }
  numBuckets = int64_t(stepNumberOr(step.arguments, "buckets", 0));
  nameLimit = int64_t(stepNumberOr(step.arguments, "most", 0));
  const std::string *names = findStepArgument(step.arguments, "names");
  if (!names)
    return {};
  hasGivenNames = true;
  return settle({namesOf(*names), {}, {}, {}, {}, {}});
}

Status TableSteps::addMissing(const SampleStep &step) {
  if (isMissingGiven)
    return {Code::InvalidArgument, "'missing' is given twice"};
  isMissingGiven = true;
  static constexpr std::pair<std::string_view, Missing> words[] = {
      {"drop", Missing::Drop},
      {"error", Missing::Error},
      {"mean", Missing::Mean},
      {"median", Missing::Median}};
  fillName = *findStepArgument(step.arguments, "value");
  whatOfMissing = Missing::Value;
  for (auto [word, what] : words)
    if (fillName == word)
      whatOfMissing = what;
  // Of names, any text is one; of numbers it is checked when all is known.
  parseStepNumber(fillName, fillValue);
  return {};
}

Status TableSteps::addScale(const SampleStep &step, Step::Kind kind) {
  if (takesNames() || fieldKind == Kind::Hash || isOneHot)
    return wrongFor(step.step, "numbers, and its input has names", info);
  if (!isFraction(info.elementType) && kind != Step::Kind::Clip)
    return wrongFor(step.step, "inputs that hold fractions, such as f32", info);
  for (const Step &other : steps)
    if (other.kind == kind)
      return {Code::InvalidArgument,
              concat("'", step.step, "' is given twice")};
  constexpr double noLimit = std::numeric_limits<double>::infinity();
  Step added{kind};
  if (kind == Step::Kind::Log)
    added.first = stepNumberOr(step.arguments, "offset", 0);
  if (kind == Step::Kind::Clip)
    added = {kind, stepNumberOr(step.arguments, "least", -noLimit),
             stepNumberOr(step.arguments, "most", noLimit)};
  if (kind == Step::Kind::MinMax)
    added = {kind, stepNumberOr(step.arguments, "low", 0),
             stepNumberOr(step.arguments, "high", 1)};
  if (kind == Step::Kind::Clip || kind == Step::Kind::MinMax)
    if (!(added.first < added.second))
      return {Code::InvalidArgument, concat("the bounds of '", step.step,
                                            "' leave nothing between "
                                            "them")};
  steps.push_back(added);
  return {};
}

/// That what names, hashes and missing fields become is what the input takes.
Status TableSteps::checkLimit() const {
  double ignored;
  if (whatOfMissing == Missing::Value && !takesNames() &&
      !parseStepNumber(fillName, ignored))
    return {Code::InvalidArgument,
            concat("'missing' of input ", quote(info.name),
                   " must be error, drop, mean, median or a number, found ",
                   fillName)};
  const int64_t taken = isOneHot ? info.shape[1] : info.indexLimit;
  const int64_t made = fieldKind == Kind::Hash ? numBuckets
                       : fieldKind == Kind::Categories && nameLimit
                           ? nameLimit + 1
                       : hasGivenNames ? int64_t(facts.names.size())
                                       : 0;
  if (taken == 0 || made <= taken)
    return {};
  return {Code::InvalidArgument,
          concat("the steps of input ", quote(info.name),
                 " make numbers from 0 to ", made - 1, ", it takes 0 to ",
                 taken - 1,
                 fieldKind == Kind::Categories
                     ? "; 0 stands for what is no category"
                     : "")};
}

Status TableSteps::checkMask(const TensorInfo &mask) const {
  if (!mask.shape.empty() && mask.numElements(1) == fieldCount)
    return {};
  return {Code::InvalidArgument,
          concat("the mask ", quote(mask.name), " of input ", quote(info.name),
                 " takes ", fieldCount, " numbers a sample, it is ",
                 describe(mask.elementType, mask.shape))};
}

int64_t TableSteps::mostNames() const {
  constexpr int64_t most = int64_t(1) << 20;
  const int64_t first = fieldKind == Kind::Categories;
  const int64_t ofType = info.elementType == ElementType::U8     ? 256
                         : info.elementType == ElementType::Bool ? 2
                                                                 : most;
  const int64_t taken = isOneHot              ? info.shape[1]
                        : info.indexLimit > 0 ? info.indexLimit
                                              : ofType;
  return std::min(nameLimit > 0 ? nameLimit : most,
                  std::max<int64_t>(0, taken - first));
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

/// FNV-1a of 64 bits (Fowler, Noll and Vo), its halves folded into one.
static uint32_t hashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char c : text)
    hash = (hash ^ c) * 1099511628211u;
  return uint32_t(hash >> 32) ^ uint32_t(hash);
}

static Status missingField(const TensorInfo &input) {
  return {Code::InvalidFile,
          concat("the value is missing: `", input.name,
                 " missing = mean`, `= median`, `= drop` or a value says what "
                 "becomes of it")};
}

Status TableSteps::check(double &number) const {
  if (std::isnan(number))
    return whatOfMissing == Missing::Error ? missingField(info) : Status();
  if (!std::isfinite(number))
    return {Code::InvalidFile, concat("expected a finite number, found ",
                                      number < 0 ? "-inf" : "inf")};
  // What follows a scale is checked where it is done.
  if (steps.empty() || steps[0].kind != Step::Kind::Log)
    return {};
  double trial = number;
  return run(steps[0], 0, trial);
}

Status TableSteps::parse(std::string_view field, double &number) const {
  number = missingNumber;
  if (isMissingMark(field))
    return check(number);
  if (fieldKind == Kind::Date)
    return parseDate(field, dateFormat, datePart, number);
  if (fieldKind == Kind::Hash) {
    number = double(hashOf(field) % uint64_t(numBuckets));
    return {};
  }
  if (!parseDecimal(field, number))
    return {Code::InvalidFile,
            concat("expected a number, found ", quote(field))};
  return check(number);
}

Status TableSteps::parseName(std::string_view field, std::string &name) const {
  constexpr size_t mostBytes = 1000;
  name = field;
  if (field.size() > mostBytes)
    return {Code::InvalidFile,
            concat("a name is longer than ", mostBytes, " bytes")};
  if (!field.empty() || whatOfMissing != Missing::Error)
    return {};
  return {Code::InvalidFile,
          concat("the name is missing: `", info.name,
                 " missing = \"unknown\"` or `= drop` says what becomes of "
                 "it")};
}

//===----------------------------------------------------------------------===//
// What is measured
//===----------------------------------------------------------------------===//

bool TableSteps::isSettled(const Step &step) const {
  if (step.kind == Step::Kind::Standardize)
    return !facts.mean.empty();
  return step.kind != Step::Kind::MinMax || !facts.least.empty();
}

TableSteps::Open TableSteps::open() const {
  if (takesNames() && !areNamesKnown)
    return Open::Names;
  if (isFillMeasured() && facts.fill.empty())
    return Open::Fill;
  for (const Step &step : steps)
    if (!isSettled(step))
      return step.kind == Step::Kind::MinMax ? Open::Range : Open::Scale;
  return Open::Nothing;
}

Status TableSteps::checkCounts(const TableFacts &of) const {
  const std::vector<double> *lists[] = {&of.fill, &of.mean, &of.deviation,
                                        &of.least, &of.most};
  for (const std::vector<double> *list : lists)
    if (!list->empty() && int64_t(list->size()) != fieldCount)
      return {Code::InvalidFile,
              concat("the measured numbers of input ", quote(info.name),
                     " are of other data: they are of ", list->size(),
                     " columns, it has ", fieldCount)};
  const bool isHalf = of.mean.size() != of.deviation.size() ||
                      of.least.size() != of.most.size();
  if (isHalf)
    return {Code::InvalidFile, concat("of the measured numbers of input ",
                                      quote(info.name), ", some are missing")};
  return {};
}

Status TableSteps::settle(const TableFacts &of) {
  if (Status status = checkCounts(of); !status.isOk() && !takesNames())
    return status;
  if (takesNames() && !areNamesKnown && !of.names.empty()) {
    facts.names = of.names;
    areNamesKnown = true;
    const int first = fieldKind == Kind::Categories;
    for (const std::string &name : facts.names)
      if (!numbers.emplace(name, int32_t(numbers.size()) + first).second)
        return {Code::InvalidFile,
                concat("the names of input ", quote(info.name), " have ",
                       quote(name), " twice")};
    return {};
  }
  auto take = [](std::vector<double> &own, const std::vector<double> &other) {
    if (own.empty())
      own = other;
  };
  take(facts.fill, of.fill);
  take(facts.mean, of.mean);
  take(facts.deviation, of.deviation);
  take(facts.least, of.least);
  take(facts.most, of.most);
  if (isInteger(info.elementType))
    for (double &value : facts.fill)
      value = std::nearbyint(value);
  return {};
}

const std::string &TableSteps::counted(const std::string &name) const {
  return name.empty() && whatOfMissing == Missing::Value ? fillName : name;
}

StatusOr<double> TableSteps::numberOf(const std::string &name) const {
  auto found = numbers.find(counted(name));
  if (found != numbers.end())
    return double(found->second);
  if (fieldKind == Kind::Categories || name.empty())
    return 0.0;
  return Status(Code::NotFound,
                concat("input ", quote(info.name), " has no class ",
                       quote(name), ", it has ", listNames(facts.names)));
}

//===----------------------------------------------------------------------===//
// Doing them
//===----------------------------------------------------------------------===//

static Status logFails(double offset, double field) {
  const double bound = 0 - offset;
  return {Code::InvalidFile,
          concat("'log' takes numbers above ",
                 elementText(ElementType::F64, &bound), ", found ",
                 elementText(ElementType::F64, &field),
                 offset == 0 ? "; log(offset = 1) takes 0, too" : "")};
}

/// Takes one field, the `index`-th of its sample, through a step.
Status TableSteps::run(const Step &step, size_t index, double &field) const {
  switch (step.kind) {
  case Step::Kind::Log:
    if (!(field + step.first > 0))
      return logFails(step.first, field);
    field = std::log(field + step.first);
    break;
  case Step::Kind::Clip:
    field = std::clamp(field, step.first, step.second);
    break;
  case Step::Kind::Standardize:
    field = (field - facts.mean[index]) / facts.deviation[index];
    break;
  case Step::Kind::MinMax: {
    const double least = facts.least[index];
    const double extent = facts.most[index] - least;
    // What is the same everywhere becomes the lower bound.
    const double share = extent > 0 ? (field - least) / extent : 0;
    field = step.first + share * (step.second - step.first);
    break;
  }
  }
  return {};
}

/// What stands for a missing number, where that is no more than a 0 at the end.
double TableSteps::fillOf(size_t index) const {
  if (whatOfMissing == Missing::Value)
    return fillValue;
  return isFillMeasured() ? facts.fill[index] : missingNumber;
}

Status TableSteps::applyToOpen(double *fields) const {
  if (takesNames() || open() == Open::Fill)
    return {};
  for (size_t i = 0; i < size_t(fieldCount); ++i)
    if (std::isnan(fields[i]))
      fields[i] = fillOf(i);
  for (const Step &step : steps) {
    if (!isSettled(step))
      return {};
    for (size_t i = 0; i < size_t(fieldCount); ++i)
      if (!std::isnan(fields[i]))
        if (Status status = run(step, i, fields[i]); !status.isOk())
          return status;
  }
  return {};
}

Status TableSteps::store(double value, uint8_t *to) const {
  const ElementType type = info.elementType;
  const int64_t limit = info.indexLimit;
  if (fits(type, value) && std::isfinite(value) &&
      (limit == 0 || (value >= 0 && value < double(limit)))) {
    fromDouble(type, value, to);
    return {};
  }
  return {Code::InvalidFile,
          concat("input ", quote(info.name), " of type ", name(type),
                 limit ? concat(" takes 0 to ", limit - 1)
                       : std::string(" does not hold it"),
                 ", found ", elementText(ElementType::F64, &value))};
}

/// A 1 at the place of `number`, and all 0 where there is none.
Status TableSteps::storeOneHot(double number, uint8_t *to) const {
  const int64_t width = info.shape[1], bytes = sizeBytes(info.elementType);
  std::memset(to, 0, size_t(width * bytes));
  if (std::isnan(number))
    return {};
  if (number >= 0 && number < double(width) && number == std::floor(number))
    return store(1, to + int64_t(number) * bytes);
  return {Code::InvalidFile,
          concat("'one_hot' makes ", width, " numbers, found ",
                 elementText(ElementType::F64, &number))};
}

Status TableSteps::apply(double *fields, uint8_t *to) const {
  if (Status status = applyToOpen(fields); !status.isOk())
    return status;
  if (isOneHot)
    return storeOneHot(fields[0], to);
  const int64_t bytes = sizeBytes(info.elementType);
  for (int64_t i = 0; i < fieldCount; ++i) {
    const double value = std::isnan(fields[i]) ? 0 : fields[i];
    if (Status status = store(value, to + i * bytes); !status.isOk())
      return status;
  }
  return {};
}

} // namespace nnc::runtime
