// What the fields of a table go through between their file and an input:
// dates, categories, missing values, scales. In the runtime, so that a program
// that embeds it prepares rows as training did.
#ifndef NNC_RUNTIME_TABLESTEPS_H
#define NNC_RUNTIME_TABLESTEPS_H

#include "runtime/Plan.h"
#include "runtime/Status.h"
#include "runtime/TableFacts.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nnc::runtime {

/// The whole of `text` as a number, with a sign before it. Words such as "nan"
/// are numbers here.
bool parseDecimal(std::string_view text, double &number);

/// Whether a field of numbers says that it has none: empty, "NA", "nan", ...
bool isMissingMark(std::string_view field);

class TableSteps {
public:
  /// What a field is.
  enum class Kind { Number, Date, Hash, Categories, Classes };
  /// What becomes of a field that is missing.
  enum class Missing { Error, Drop, Mean, Median, Value, Zero };
  /// What is to be measured next.
  enum class Open { Nothing, Names, Fill, Scale, Range };

  /// Whether any step of `input` is one of these.
  static bool areFor(const Recipe &recipe, const std::string &input);

  /// The steps of `input`. InvalidArgument for one that it cannot have;
  /// `source` receives its place then, unless null.
  static StatusOr<std::shared_ptr<TableSteps>>
  create(const Recipe &recipe, const TensorInfo &input, std::string *source);

  Kind kind() const { return fieldKind; }
  bool takesNames() const {
    return fieldKind == Kind::Categories || fieldKind == Kind::Classes;
  }
  Missing missing() const { return whatOfMissing; }
  /// The input that receives where this one has values; empty: none.
  const std::string &mask() const { return maskInput; }
  /// InvalidArgument where that input has not a number for each field.
  Status checkMask(const TensorInfo &mask) const;
  /// Fields that a sample has, and the input that they become.
  int64_t numFields() const { return fieldCount; }
  const TensorInfo &input() const { return info; }
  /// Names that are told apart at most: as many as the input takes, or less.
  int64_t mostNames() const;

  /// A field as a number, a missing one as not a number. InvalidFile, without
  /// its place, for what is none.
  Status parse(std::string_view field, double &number) const;
  /// A field as a name, empty where it is missing.
  Status parseName(std::string_view field, std::string &name) const;
  /// A number that no text stands for, as parse gives it.
  Status check(double &number) const;

  Open open() const;
  /// Takes what is measured of it from `facts`, as far as that is there.
  /// InvalidFile where it is of other data.
  Status settle(const TableFacts &facts);
  const std::vector<std::string> &names() const { return facts.names; }
  /// The name as which one counts: another where it is missing.
  const std::string &counted(const std::string &name) const;
  /// The number of a name: of a category 0 where it is none. NotFound for what
  /// is no class.
  StatusOr<double> numberOf(const std::string &name) const;

  /// Takes the fields of a sample through the steps before the open one.
  /// InvalidFile, without its place, where a step cannot be done to one.
  Status applyToOpen(double *fields) const;
  /// Takes them through all steps and stores them as the input's elements.
  Status apply(double *fields, uint8_t *to) const;

private:
  struct Step {
    enum class Kind { Log, Clip, Standardize, MinMax } kind;
    /// Offset; least and most; -; low and high.
    double first = 0, second = 0;
  };

  Status add(const SampleStep &step);
  Status addReading(const SampleStep &step, Kind kind);
  Status addMissing(const SampleStep &step);
  Status addScale(const SampleStep &step, Step::Kind kind);
  Status checkLimit() const;
  bool isSettled(const Step &step) const;
  bool isFillMeasured() const {
    return whatOfMissing == Missing::Mean || whatOfMissing == Missing::Median;
  }
  double fillOf(size_t index) const;
  Status run(const Step &step, size_t index, double &field) const;
  Status store(double value, uint8_t *to) const;
  Status storeOneHot(double number, uint8_t *to) const;
  Status checkCounts(const TableFacts &of) const;

  TensorInfo info;
  int64_t fieldCount = 1;
  Kind fieldKind = Kind::Number;
  Missing whatOfMissing = Missing::Error;
  bool isMissingGiven = false;
  double fillValue = 0;
  std::string fillName;
  std::string maskInput;
  std::string datePart, dateFormat;
  int64_t numBuckets = 0, nameLimit = 0;
  bool isOneHot = false, hasGivenNames = false, areNamesKnown = false;
  std::vector<Step> steps;
  TableFacts facts;
  std::unordered_map<std::string, int32_t> numbers;
};

/// The day of a date, from 1970-01-01 on.
int64_t daysFromCivil(int64_t year, int month, int day);

/// A part of a date, as the step `date` names them. InvalidFile, without its
/// place, for what is no date of that format; an empty one is ISO 8601.
Status parseDate(std::string_view text, const std::string &format,
                 const std::string &part, double &number);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TABLESTEPS_H
