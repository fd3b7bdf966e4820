// Grows the columns of a table's inputs row by row, from fields as text.
#ifndef NNC_RUNTIME_DATA_TABLEBUILDER_H
#define NNC_RUNTIME_DATA_TABLEBUILDER_H

#include "runtime/TableSteps.h"
#include "runtime/data/Reader.h"
#include "runtime/data/RowFile.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nnc::runtime {

class TableBuilder {
public:
  /// `request` outlives this.
  ///
  /// spools  whether rows go to a file from the first on; else they do when
  ///         they are more than memory is to keep
  TableBuilder(const ReadRequest &request, bool spools);

  /// For rows that another builder takes: all of them stay in memory.
  static TableBuilder ofPiece(const ReadRequest &request);

  /// How many fields of a row input `index` takes, and whether it takes any.
  int64_t numFields(size_t index) const { return inputs[index].numFields; }
  bool isNeeded(size_t index) const { return !request.isUnneeded(index); }
  /// Whether its fields are numbers, and not names, dates or any text.
  bool takesNumbers(size_t index) const {
    const TableSteps *steps = inputs[index].steps;
    return !steps || steps->kind() == TableSteps::Kind::Number;
  }

  /// Adds a field of the row under way to input `index`. InvalidFile, without
  /// its place, for what the input does not take.
  Status add(size_t index, std::string_view field);
  /// Ends the row; one of which a field is missing is left out where an input
  /// asks for that.
  Status endRow();

  int64_t numSamples() const { return count; }

  /// Whether all rows of a piece may follow those that are here, one after the
  /// other: else the names of an input might be too many.
  bool canTake(const TableBuilder &piece) const;
  /// Adds the rows of a piece, which has ended its last one.
  Status take(const TableBuilder &piece);

  /// The columns of the inputs that are needed: in the types that the inputs
  /// take, or where steps follow as these take them, with `classes` the names
  /// that numbers stand for.
  StatusOr<std::vector<Column>> finish();

private:
  struct Input {
    const TensorInfo *info;
    const TableSteps *steps;
    ElementType type;
    int64_t numFields;
    int64_t sampleBytes;
    /// Of all rows, or of those that are not in the file yet.
    std::vector<uint8_t> bytes = {};
    /// Names as they came, and how many of them rows have that are kept.
    std::vector<std::string> names = {};
    std::unordered_map<std::string, int32_t> numbers = {};
    size_t numKeptNames = 0;
  };

  Status addName(Input &input, std::string_view field);
  Status addNumber(Input &input, std::string_view field);
  Status addPlain(Input &input, std::string_view field);
  static void takeNames(Input &input, const Input &more);
  Status drop();
  void keepRow();
  void forgetRow();
  int64_t mostWaiting() const;
  Status spoolIfFull();
  Status spool();
  Status spoolRows(int64_t first, int64_t number);

  const ReadRequest &request;
  std::vector<Input> inputs;
  /// Of a row of all needed inputs.
  int64_t rowBytes = 0;
  int64_t count = 0;
  bool isDropped = false;
  const bool spools;
  bool isPiece = false;
  /// Rows that memory does not keep, and how many they are.
  std::optional<RowSpool> file;
  int64_t numSpooled = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TABLEBUILDER_H
