// Reading the parts of a graph that other parts are made of: strings, types,
// places, attributes; and saying what is wrong with them. Private to
// Import.cpp.
#ifndef NNC_FRONTEND_GRAPH_READER_H
#define NNC_FRONTEND_GRAPH_READER_H

#include "frontend/graph/Schema.h"

#include "ir/Signature.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace nnc::graph {

template <typename T>
using Offsets = flatbuffers::Vector<flatbuffers::Offset<T>>;

/// The elements of a vector that may be absent.
template <typename T> auto elements(const flatbuffers::Vector<T> *vector) {
  using Iterator = decltype(vector->begin());
  return vector ? llvm::make_range(vector->begin(), vector->end())
                : llvm::make_range(Iterator(nullptr, 0), Iterator(nullptr, 0));
}

class Reader {
public:
  /// `sizeBytes` is that of the file.
  Reader(const Graph &graph, llvm::StringRef fileName, size_t sizeBytes,
         mlir::MLIRContext *context);

  /// Names what is being read in the messages of its lifetime, and is where
  /// they point if it says where it comes from.
  class Scope {
  public:
    Scope(Reader &reader, const llvm::Twine &name,
          const Location *place = nullptr);
    ~Scope();
    Scope(const Scope &) = delete;

  private:
    Reader &reader;
    const Location *outerPlace;
  };

  /// Reports an error at the file, with everything that is being read, and a
  /// note at the place that its part states, or else `at`.
  llvm::LogicalResult fail(const llvm::Twine &message,
                           std::optional<mlir::Location> at = std::nullopt);
  /// Runs `action`, and reports what it reports as fail() does.
  llvm::LogicalResult run(llvm::function_ref<llvm::LogicalResult()> action);

  /// UTF-8 without control characters, but tabs and line's ends.
  llvm::FailureOr<llvm::StringRef> readText(const flatbuffers::String *string,
                                            llvm::StringRef what);
  /// One line of text, neither empty nor too long (ir/Text.h).
  llvm::FailureOr<llvm::StringRef> readName(const flatbuffers::String *string,
                                            llvm::StringRef what);

  /// Refuses more data than a file of this size can hold in good faith: tables
  /// may refer to the same bytes, and reading would never end.
  llvm::LogicalResult charge(size_t sizeBytes);

  /// The elements of a vector that may be absent, once they are charged. The
  /// verifier of FlatBuffers aligns a vector's length, and no more; its writers
  /// align a vector that has elements.
  template <typename T>
  llvm::FailureOr<llvm::ArrayRef<T>>
  readNumbers(const flatbuffers::Vector<T> *from) {
    if (!from || from->size() == 0)
      return llvm::ArrayRef<T>();
    if (reinterpret_cast<uintptr_t>(from->Data()) % alignof(T) != 0)
      return fail("numbers do not stand at a multiple of their size");
    if (failed(charge(from->size() * sizeof(T))))
      return mlir::failure();
    return llvm::ArrayRef<T>(reinterpret_cast<const T *>(from->Data()),
                             from->size());
  }

  /// Unknown where there is none.
  llvm::FailureOr<mlir::Location> readLocation(const Location *location);
  llvm::FailureOr<mlir::RankedTensorType>
  readType(ElementType elementType, const flatbuffers::Vector<int64_t> *shape,
           bool mayHaveBatch);
  llvm::FailureOr<mlir::DenseElementsAttr>
  readElements(mlir::RankedTensorType type,
               const flatbuffers::Vector<uint8_t> *data);

  llvm::FailureOr<mlir::NamedAttribute> readAttribute(const Attribute &from);
  using Attributes = llvm::SmallVector<mlir::NamedAttribute>;
  /// Attributes whose names differ.
  llvm::FailureOr<Attributes> readAttributes(const Offsets<Attribute> *from);
  /// The attributes of an op, of the kinds that it takes.
  llvm::FailureOr<Attributes> readArguments(const Signature &signature,
                                            const Offsets<Attribute> *from);

  mlir::Builder &builder() { return attributeBuilder; }

private:
  std::optional<mlir::Location> findPlace() const;
  llvm::FailureOr<mlir::Attribute> readValue(const Attribute &from);
  llvm::FailureOr<mlir::Attribute> readTensor(const TensorValue &from);
  llvm::FailureOr<mlir::Attribute> readArray(const ArrayValue &from);
  llvm::FailureOr<mlir::Attribute> readNested(const Attribute &from);
  llvm::FailureOr<mlir::Attribute> readArgument(const Signature &signature,
                                                const AttributeInfo &info,
                                                const Attribute &from);
  llvm::LogicalResult readDimensions(const flatbuffers::Vector<int64_t> *from,
                                     bool mayHaveBatch,
                                     llvm::SmallVectorImpl<int64_t> &to);

  const Graph &graph;
  llvm::StringRef fileName;
  mlir::Builder attributeBuilder;
  llvm::SmallVector<std::string> scopes;
  const Location *place = nullptr;
  unsigned depth = 0;
  size_t budgetBytes;
};

} // namespace nnc::graph

#endif // NNC_FRONTEND_GRAPH_READER_H
