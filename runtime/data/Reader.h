// From the data block of a model to columns. A new format is a function like
// those of Idx.h, Npy.h and Csv.h and a line in Reader.cpp's list.
#ifndef NNC_RUNTIME_DATA_READER_H
#define NNC_RUNTIME_DATA_READER_H

#include "runtime/Plan.h"
#include "runtime/TableSteps.h"
#include "runtime/data/Column.h"
#include "runtime/data/DataFacts.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

struct ReadOptions {
  /// Where relative paths are looked for, in order; "" is the working folder.
  /// A name is found with ".gz" added or taken away, too.
  std::vector<std::string> directories = {""};
  /// Stop after this many samples.
  int64_t mostSamples = INT64_MAX;
  /// For files that can be read side by side.
  int numThreads = 1;
  /// Pictures of a folder are kept in memory where they are no more than this
  /// all together; else each is read when it is needed.
  int64_t mostKeptBytes = int64_t(1) << 29;
  /// How much text of a table a thread takes at once; tests take less.
  int64_t pieceBytes = int64_t(1) << 18;
  /// Whether the folder that a binding names is searched too, after
  /// `directories` and in each of them.
  bool searchesFolders = true;
  /// Whether each row of a table must become a sample: none is left out.
  bool keepsRows = false;
  /// Inputs that a binding may name and the entry point lacks: what is read for
  /// them is left out, and of a table need not be there.
  std::vector<TensorInfo> others = {};
};

/// Where the files of a binding are looked for.
std::vector<std::string> directoriesOf(const DataBinding &binding,
                                       const ReadOptions &options);

/// Reads the data of one split for an entry point, a column an input and in
/// their order. Each has the input's element type and shape, values below its
/// index limit, and as many samples as the others. Samples of inputs that have
/// steps are prepared when they are needed.
///
/// facts    what other data taught and these go by, such as numbers of classes;
///          receives what these teach. What steps measure is left to `measure`,
///          unless it is there.
///
/// Returns NotFound if an input is not bound in that split or a file does not
/// exist; InvalidFile if one is damaged or holds something else, saying where,
/// what was expected and what was found; InvalidArgument for wrong arguments
/// of a reader. `source` receives the place of the binding in the model
/// ("file:line:column", or "") that a failure is about, unless null.
StatusOr<std::vector<Column>>
readSplit(const Recipe &recipe, std::string_view split, const EntryPoint &entry,
          const ReadOptions &options, std::string *source = nullptr,
          DataFacts *facts = nullptr);

/// Whether the recipe binds any data to that split.
bool hasSplit(const Recipe &recipe, std::string_view split);

/// Reads one binding as readSplit does, for `inputs` of it, which are of
/// `entry`; with the inputs of it that masks fill.
StatusOr<std::vector<Column>>
readBound(const DataBinding &binding,
          const std::vector<const TensorInfo *> &inputs,
          const EntryPoint &entry, const Recipe &recipe,
          const ReadOptions &options, const DataFacts &facts);

/// Reads one file for all inputs of an entry point, for `nnc predict`: a table
/// or an archive of arrays, as the bindings of the training data would read it,
/// or by the names of the inputs where these read something else.
StatusOr<std::vector<Column>> readDataFile(const std::string &path,
                                           const EntryPoint &entry,
                                           const Recipe &recipe,
                                           const DataFacts &facts,
                                           const ReadOptions &options);

/// The reader of a table by its name, csv or jsonl; empty for what has another.
std::string tableReaderOf(std::string_view path);
/// Whether a table's name says that tabs stand between its fields.
bool hasTabs(std::string_view path);

/// A file that is given for an input of an entry point.
struct GivenFile {
  std::string path;
  size_t input = 0;
  /// csv's argument, or text's, or empty.
  std::string columns = {};
};

/// Reads a file for one input, for `nnc predict`: .npy, .npz, IDX, PNG and
/// JPEG, which tell themselves, folders of pictures, and CSV by its name; text
/// for an input that the recipe binds to text. Samples go through the recipe's
/// steps, by `facts`. Of text also the column of the lengths, where the entry
/// point has an input for them.
///
/// directories  where the file of a tokenizer is looked for.
StatusOr<std::vector<Column>>
readInputFile(const GivenFile &file, const EntryPoint &entry,
              const Recipe &recipe = {}, const DataFacts &facts = {},
              const std::vector<std::string> &directories = {});

/// What a reader is asked for.
struct ReadRequest {
  const DataBinding &binding;
  /// The files to read, at least one, and the first of them: the argument
  /// "path", found.
  std::vector<std::string> paths;
  std::string path;
  /// The inputs that it fills, in the binding's order: what their steps, where
  /// they have some, begin with.
  std::vector<const TensorInfo *> inputs;
  int64_t mostSamples = INT64_MAX;
  int numThreads = 1;
  int64_t mostKeptBytes = 0;
  int64_t pieceBytes = int64_t(1) << 18;
  /// Whether an input has steps that take other shapes and types, in the order
  /// of the inputs.
  std::vector<bool> isOpen = {};
  /// What the fields of a table's input go through, in the order of the inputs;
  /// null where they go through nothing.
  std::vector<std::shared_ptr<TableSteps>> tables = {};
  /// Whether an input is not wanted, in the order of the inputs; a table need
  /// not have it.
  std::vector<bool> unneeded = {};
  bool keepsRows = false;
  /// Whether channels come before rows: the argument "order" is "chw".
  bool channelsFirst = false;
  const DataFacts *facts = nullptr;
  /// What other bindings say; null: nothing.
  const Recipe *recipe = nullptr;
  /// Where files that an argument names are looked for.
  std::vector<std::string> directories = {};

  const TableSteps *tableSteps(size_t index) const {
    return index < tables.size() ? tables[index].get() : nullptr;
  }
  bool isUnneeded(size_t index) const {
    return index < unneeded.size() && unneeded[index];
  }
  /// Whether the files are more than is kept in memory.
  bool isLarge() const;
  /// The text of an argument; null if it was not given.
  const std::string *argument(std::string_view name) const;
  /// InvalidArgument if there is any but "path", "folder" and these.
  Status checkArguments(std::initializer_list<std::string_view> known) const;
  /// The names of the classes that an input counts, where other data say it.
  const std::vector<std::string> *classesOf(const std::string &input) const;

  /// InvalidFile unless a file of this shape, of which the first dimension
  /// counts samples, can fill input `index`.
  Status checkShape(size_t index, ElementType elementType,
                    const Shape &found) const;
  /// `column` as input `index` takes it: checked and converted, unless steps
  /// follow.
  StatusOr<Column> fit(size_t index, Column column) const;
};

/// `input`'s shape without its batch, which comes first.
Shape sampleShapeOf(const TensorInfo &input);

/// InvalidFile, with both types, unless `found`, of which the first dimension
/// counts samples, has the shape that `input` takes. A picture of one channel
/// needs no dimension for it.
Status checkSampleShape(const std::string &path, const TensorInfo &input,
                        ElementType elementType, const Shape &found);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_READER_H
