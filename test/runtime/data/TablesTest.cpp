// What steps make of the fields of tables, against what their formulas say.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/TableSamples.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace nnc::runtime::test {

namespace {
/// A table that is read, and what it taught.
struct Table {
  std::vector<Column> columns;
  DataFacts facts;
  Status status;
};
} // namespace

static SampleStep step(const char *input, const char *name,
                       Arguments arguments = {}) {
  return {input, name, std::move(arguments), ""};
}

/// Reads `file` for the inputs and measures on `samples`, all where empty.
static Table readTable(const std::string &file,
                       const std::vector<TensorInfo> &inputs,
                       std::vector<SampleStep> steps,
                       std::vector<int64_t> samples = {},
                       const char *reader = "csv", int64_t mostKept = 1 << 29,
                       DataFacts known = {}) {
  writeFile(temporaryPath("table.data"), file);
  EntryPoint entry;
  entry.inputs = inputs;
  DataBinding binding{"train", {}, reader, {{"path", "table.data"}}, ""};
  Recipe recipe;
  recipe.sampleSteps = std::move(steps);
  for (const TensorInfo &input : inputs) {
    bool isMask = false;
    for (const SampleStep &each : recipe.sampleSteps)
      isMask |= each.step == "mask" && each.arguments[0].second == input.name;
    if (!isMask)
      binding.inputs.push_back(input.name);
  }
  recipe.data = {binding};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  options.mostKeptBytes = mostKept;
  Table table;
  table.facts = std::move(known);
  auto read = readSplit(recipe, "train", entry, options, nullptr, &table.facts);
  table.status = read.status();
  if (!read.isOk())
    return table;
  table.columns = std::move(*read);
  if (samples.empty()) {
    samples.resize(size_t(table.columns[0].numSamples));
    std::iota(samples.begin(), samples.end(), 0);
  }
  table.status = measure(table.columns, samples, 2, table.facts);
  return table;
}

static const TensorInfo x = input("x", ElementType::F32, {-1});
static const TensorInfo y = input("y", ElementType::U8, {-1}, 3);
static const TensorInfo exact = input("x", ElementType::F64, {-1});

TEST(Tables, StandardizesByTheTrainingSamples) {
  // Of 1, 3 and 5: the mean is 3, the deviation sqrt(8 / 3).
  Table table = readTable("1\n3\n5\n100\n", {exact}, {step("x", "standardize")},
                          {0, 1, 2});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  const double deviation = std::sqrt(8.0 / 3);
  EXPECT_EQ(
      numbersOf(table.columns[0]),
      (std::vector<double>{-2 / deviation, 0, 2 / deviation, 97 / deviation}));
  EXPECT_TRUE(table.columns[0].isInMemory());
  EXPECT_EQ(table.facts.normalization["x"].mean, std::vector<double>{3});
}

TEST(Tables, ScalesAndClipsAndTakesLogarithms) {
  Table table = readTable("0\n1\n3\n", {exact},
                          {step("x", "log", {{"offset", "1"}}),
                           step("x", "min_max", {{"low", "-1"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  // ln 1, ln 2 and ln 4, from 0 to 2 ln 2.
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{-1, 0, 1}));
  table = readTable("-5\n2\n9\n", {x},
                    {step("x", "clip", {{"least", "0"}, {"most", "4"}})});
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{0, 2, 4}));
}

TEST(Tables, LogarithmsOfSeveralFields) {
  const TensorInfo wide = input("x", ElementType::F64, {-1, 3});
  Table table = readTable("1,2,4\n8,16,32\n", {wide}, {step("x", "log")});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  const double ln2 = std::log(2.0);
  const std::vector<double> found = numbersOf(table.columns[0]);
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], double(i) * ln2, 1e-15);
  table = readTable("1,2,4\n8,-16,32\n", {wide}, {step("x", "log")});
  EXPECT_NE(table.status.message().find("table.data:2: column 1: 'log' takes "
                                        "numbers above 0, found -16"),
            std::string::npos)
      << table.status.message();
}

// Three times 0.1 add up to more than 0.3.
TEST(Tables, WhatIsTheSameEverywhereBecomesZero) {
  Table table = readTable("0.1\n0.1\n0.1\n0.7\n", {exact},
                          {step("x", "standardize")}, {0, 1, 2});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(table.facts.normalization["x"].mean, std::vector<double>{0.1});
  EXPECT_EQ(table.facts.normalization["x"].deviation, std::vector<double>{1});
}

TEST(Tables, RefuseWhatCannotBeMeasured) {
  const std::pair<const char *, const char *> files[] = {
      {"1e300\n-1e300\n", "its numbers are too large"},
      {"x\nNA\n?\n", "none of the training samples has a value there"}};
  for (const char *scale : {"standardize", "min_max"}) {
    Table table = readTable(
        files[1].first, {exact, input("known", ElementType::F64, {-1})},
        {step("x", scale), step("x", "mask", {{"input", "known"}})});
    EXPECT_NE(table.status.message().find(files[1].second), std::string::npos)
        << table.status.message();
  }
  Table table = readTable(files[0].first, {exact}, {step("x", "standardize")});
  EXPECT_NE(table.status.message().find(files[0].second), std::string::npos)
      << table.status.message();
}

TEST(Tables, FillsMissingValues) {
  const std::string file = "x,y\n1,0\n,1\nNA,2\n4,0\n10,1\n";
  const std::pair<const char *, double> fills[] = {
      {"mean", 5}, {"median", 4}, {"-7", -7}};
  for (auto [how, fill] : fills) {
    Table table =
        readTable(file, {exact, y}, {step("x", "missing", {{"value", how}})});
    ASSERT_TRUE(table.status.isOk()) << table.status.message();
    EXPECT_EQ(numbersOf(table.columns[0]),
              (std::vector<double>{1, fill, fill, 4, 10}));
  }
  Table table =
      readTable(file, {x, y}, {step("x", "missing", {{"value", "drop"}})});
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{1, 4, 10}));
  EXPECT_EQ(numbersOf(table.columns[1]), (std::vector<double>{0, 0, 1}));
  table = readTable(file, {x, y}, {step("x", "standardize")});
  EXPECT_EQ(table.status.code(), Code::InvalidFile);
  EXPECT_NE(table.status.message().find("table.data:3: column 0 ('x'): the "
                                        "value is missing"),
            std::string::npos)
      << table.status.message();
}

TEST(Tables, MasksSayWhereValuesAre) {
  const TensorInfo known = input("known", ElementType::F32, {-1});
  Table table = readTable(
      "2,0\n,1\n4,2\n", {x, known, y},
      {step("x", "standardize"), step("x", "mask", {{"input", "known"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{-1, 0, 1}));
  EXPECT_EQ(numbersOf(table.columns[1]), (std::vector<double>{1, 0, 1}));
}

TEST(Tables, MediansOfEvenCountsAndNegativeNumbers) {
  Table table = readTable("x\n-8\n-2\n1e-300\nNA\n7\n", {exact},
                          {step("x", "missing", {{"value", "median"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(numbersOf(table.columns[0])[3], (-2 + 1e-300) / 2);
}

// More numbers than are gathered: medians are then found digit by digit.
TEST(Tables, MediansOfManyNumbers) {
  constexpr int fields = 257, rows = 4100;
  std::string file;
  std::vector<std::vector<double>> columns(fields);
  for (int row = 0; row < rows; ++row)
    for (int i = 0; i < fields; ++i) {
      const int number = (row * (i + 3) + i) % 19 - 9;
      const bool isMissing = row % 5 == 1 && i % 2;
      file += concat(i ? "," : "",
                     isMissing ? std::string() : std::to_string(number),
                     i + 1 < fields ? "" : "\n");
      if (!isMissing)
        columns[i].push_back(number);
    }
  Table table = readTable(file, {input("x", ElementType::F32, {-1, fields})},
                          {step("x", "missing", {{"value", "median"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  for (int i = 0; i < fields; ++i) {
    std::sort(columns[i].begin(), columns[i].end());
    const size_t count = columns[i].size();
    EXPECT_EQ(table.facts.tables["x"].fill[i],
              (columns[i][(count - 1) / 2] + columns[i][count / 2]) / 2)
        << i;
  }
}

TEST(Tables, CategoriesByHowOftenTheyAre) {
  const TensorInfo city = input("x", ElementType::I32, {-1}, 3);
  const std::string file = "x\nRome\nOslo\n\"Bern, CH\"\nOslo\nRome\nOslo\n";
  Table table = readTable(file, {city}, {step("x", "categories")});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  // 0 is what is none of them.
  EXPECT_EQ(numbersOf(table.columns[0]),
            (std::vector<double>{2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(table.facts.tables["x"].names,
            (std::vector<std::string>{"Oslo", "Rome"}));
  // As other data go by them.
  Table other = readTable("x\nBern\nRome\n", {city}, {step("x", "categories")},
                          {}, "csv", 1 << 29, table.facts);
  EXPECT_EQ(numbersOf(other.columns[0]), (std::vector<double>{0, 2}));
  // Of the training samples alone.
  table = readTable(file, {city}, {step("x", "categories")}, {0, 2});
  EXPECT_EQ(table.facts.tables["x"].names,
            (std::vector<std::string>{"Bern, CH", "Rome"}));
}

// A name of the file may be the one that stands for what is missing.
TEST(Tables, MissingNamesCountAsTheirOwn) {
  const TensorInfo city = input("x", ElementType::I32, {-1}, 3);
  Table table = readTable(
      "x,y\n,1\n,0\nOslo,1\nnone,0\n", {city, y},
      {step("x", "categories"), step("x", "missing", {{"value", "none"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(table.facts.tables["x"].names,
            (std::vector<std::string>{"none", "Oslo"}));
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{1, 1, 2, 1}));
}

TEST(Tables, RowsThatAreDroppedHaveNoClass) {
  Table table = readTable(
      "y,x\nb,1\na,NA\nc,2\nb,NA\n", {y, x},
      {step("y", "classes"), step("x", "missing", {{"value", "drop"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(table.facts.classes["y"], (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{0, 1}));
}

TEST(Tables, ClassesAndTheirNames) {
  Table table = readTable("y\nno\nyes\nno\n", {y},
                          {step("y", "classes", {{"names", "no,yes"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{0, 1, 0}));
  table = readTable("y\nno\nyess\n", {y},
                    {step("y", "classes", {{"names", "no,yes"}})});
  EXPECT_NE(table.status.message().find(
                "table.data:3: column 0 ('y'): input 'y' has no class 'yess', "
                "it has 'no', 'yes'; did you mean 'yes'?"),
            std::string::npos)
      << table.status.message();
  table = readTable("y\n10\n9\nx\n", {y}, {step("y", "classes")});
  EXPECT_EQ(table.facts.classes["y"],
            (std::vector<std::string>{"9", "10", "x"}));
}

TEST(Tables, CategoriesOneOfMany) {
  const TensorInfo wide = input("x", ElementType::F32, {-1, 3});
  Table table = readTable("x\na\nb\nc\na\n", {wide},
                          {step("x", "categories"), step("x", "one_hot")});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(numbersOf(table.columns[0]),
            (std::vector<double>{0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0}));
}

TEST(Tables, PartsOfDates) {
  const std::pair<const char *, double> parts[] = {
      {"days", 19782}, {"seconds", 1709217000}, {"year", 2024}, {"month", 2},
      {"day", 29},     {"weekday", 3},          {"hour", 14},   {"minute", 30}};
  for (auto [part, value] : parts) {
    Table table = readTable("x\n2024-02-29T14:30:00Z\n", {exact},
                            {step("x", "date", {{"part", part}})});
    ASSERT_TRUE(table.status.isOk()) << table.status.message();
    EXPECT_EQ(numbersOf(table.columns[0])[0], value) << part;
  }
  Table table = readTable(
      "x\n1.3.1969 07:05\n", {exact},
      {step("x", "date", {{"part", "days"}, {"format", "%d.%m.%Y %H:%M"}})});
  EXPECT_EQ(numbersOf(table.columns[0])[0], -306);
  for (const char *wrong :
       {"2023-02-29", "2024-13-01", "24-1", "24-01-05", "2024-01-01x",
        "2024-01-01T00:00+24:00", "2024-01-01T00:00+01:60",
        "2024-01-01T10:00+99:00", "2024-01-01T10:00+02:"})
    EXPECT_EQ(readTable(concat("x\n", wrong, "\n"), {exact},
                        {step("x", "date", {{"part", "days"}})})
                  .status.code(),
              Code::InvalidFile)
        << wrong;
}

TEST(Tables, HashesAreTheSameEverywhere) {
  const TensorInfo hashed = input("x", ElementType::I32, {-1}, 1000);
  Table table = readTable("x\na\nfoobar\n", {hashed},
                          {step("x", "hashing", {{"buckets", "1000"}})});
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  // FNV-1a: af63dc4c8601ec8c and 85944171f73967e8 (its authors' test vectors).
  EXPECT_EQ(numbersOf(table.columns[0]),
            (std::vector<double>{(0xaf63dc4cu ^ 0x8601ec8cu) % 1000,
                                 (0x85944171u ^ 0xf73967e8u) % 1000}));
}

TEST(Tables, AreTheSameInAFileAsInMemory) {
  std::string file = "x,y\n";
  for (int i = 0; i < 5000; ++i)
    file += concat(i % 7 ? std::to_string(i * 37 % 101) : std::string(), ",",
                   i % 3, "\n");
  const std::vector<SampleStep> steps = {
      step("x", "missing", {{"value", "median"}}), step("x", "standardize")};
  Table kept = readTable(file, {x, y}, steps);
  Table spooled = readTable(file, {x, y}, steps, {}, "csv", 0);
  ASSERT_TRUE(spooled.status.isOk()) << spooled.status.message();
  EXPECT_FALSE(spooled.columns[1].isInMemory());
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(numbersOf(kept.columns[i]), numbersOf(spooled.columns[i]));
}

// Rows that turn out to be more than the file let expect.
TEST(Tables, GoToAFileOnceTheyAreTooLarge) {
  std::string file;
  for (int i = 0; i < 100; ++i)
    file += concat(i % 10, "\n");
  Table table = readTable(file, {exact}, {step("x", "standardize")}, {}, "csv",
                          int64_t(file.size()));
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_FALSE(table.columns[0].isInMemory());
  EXPECT_EQ(
      numbersOf(table.columns[0]),
      numbersOf(
          readTable(file, {exact}, {step("x", "standardize")}).columns[0]));
}

TEST(Tables, JsonLinesHaveTheSameSteps) {
  Table table = readTable(
      "{\"x\": 1.5, \"y\": \"b\"}\n\n{\"y\":\"a\",\"x\":null}"
      "\n{\"x\":true,\"y\":\"b\"}\n",
      {x, y}, {step("x", "missing", {{"value", "9"}}), step("y", "classes")},
      {}, "jsonl");
  ASSERT_TRUE(table.status.isOk()) << table.status.message();
  EXPECT_EQ(numbersOf(table.columns[0]), (std::vector<double>{1.5, 9, 1}));
  EXPECT_EQ(numbersOf(table.columns[1]), (std::vector<double>{1, 0, 1}));
  const std::pair<const char *, const char *> wrong[] = {
      {"{\"x\": 1}\n[1]\n", "table.data:2: expected an object of JSON"},
      {"{\"x\": [1, 2]}\n", "table.data:1: field 'x': expected a list of 1"},
      {"{\"x\": {}}\n", "table.data:1: field 'x': expected a number"},
      {"{\"X\": 1}\n", "table.data:1: field 'x': "},
      {"", "table.data: has no lines"}};
  for (auto [file, message] : wrong) {
    table = readTable(file, {x}, {}, {}, "jsonl");
    EXPECT_NE(table.status.message().find(message), std::string::npos)
        << table.status.message();
  }
}

TEST(Tables, RefuseStepsThatDoNotFit) {
  const TensorInfo city = input("x", ElementType::I32, {-1}, 3);
  const std::tuple<TensorInfo, std::vector<SampleStep>, const char *> cases[] =
      {{city, {step("x", "standardize")}, "is for inputs that hold fractions"},
       {city,
        {step("x", "categories", {{"most", "3"}})},
        "make numbers from 0 to 3, it takes 0 to 2"},
       {x, {step("x", "categories"), step("x", "log")}, "has names"},
       {x, {step("x", "log"), step("x", "log")}, "is given twice"},
       {x,
        {step("x", "missing", {{"value", "men"}})},
        "or a number, found men"},
       {x,
        {step("x", "clip", {{"least", "2"}, {"most", "1"}})},
        "leave nothing between"},
       {x, {step("x", "log"), step("x", "normalize")}, "standardize does"},
       {city,
        {step("x", "categories"), step("x", "missing", {{"value", "mean"}})},
        "names take missing = drop or a name"},
       {city,
        {step("x", "hashing", {{"buckets", "3"}}),
         step("x", "missing", {{"value", "median"}})},
        "'missing = median' is for numbers"}};
  for (const auto &[input, steps, message] : cases) {
    Table table = readTable("1\n", {input}, steps);
    EXPECT_EQ(table.status.code(), Code::InvalidArgument);
    EXPECT_NE(table.status.message().find(message), std::string::npos)
        << table.status.message();
  }
}

} // namespace nnc::runtime::test
