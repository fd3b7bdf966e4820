// A FlatBuffer of any schema as a tree, which can be changed and written again.
// What is shared in the buffer is shared in the tree.
#ifndef NNC_TEST_FUZZ_FLATTREE_H
#define NNC_TEST_FUZZ_FLATTREE_H

#include <flatbuffers/flatbuffers.h>
#include <flatbuffers/reflection_generated.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace nnc::fuzz {

/// reflection::Type as a value.
struct FlatType {
  reflection::BaseType base = reflection::None;
  /// Of a vector.
  reflection::BaseType element = reflection::None;
  /// Into the schema's objects, or its enums where it is a union.
  int32_t index = -1;

  /// Of a vector's elements.
  FlatType ofElement() const { return {element, reflection::None, index}; }
  /// Of a vector of bytes, which are kept as such.
  bool isBytes() const {
    return base == reflection::String ||
           (base == reflection::Vector &&
            (element == reflection::Byte || element == reflection::UByte));
  }
  bool operator<(const FlatType &other) const {
    return std::tie(base, element, index) <
           std::tie(other.base, other.element, other.index);
  }
};

struct FlatNode;
using FlatPtr = std::shared_ptr<FlatNode>;

struct FlatNode {
  FlatType type;
  /// A scalar, little-endian; a string's or a vector's bytes.
  std::string bytes;
  /// Elements of a vector; fields of a table or struct by their id, null where
  /// absent; the one value of a union.
  std::vector<FlatPtr> children;
  /// Of a union: which it says that it is.
  uint8_t alternative = 0;
};

/// A schema, with its fields by their id.
class FlatSchema {
public:
  /// `binary` is what flatc --bfbs-gen-embed makes, and outlives this.
  explicit FlatSchema(const uint8_t *binary);

  using Fields = std::vector<const reflection::Field *>;
  const Fields &fields(int32_t object) const { return ofObject[object]; }
  const reflection::Object &object(int32_t index) const {
    return *schema.objects()->Get(index);
  }
  bool isStruct(FlatType type) const {
    return type.base == reflection::Obj && object(type.index).is_struct();
  }
  /// The type of an alternative of a union; that of nothing if there is none.
  FlatType alternative(FlatType unionType, uint8_t which) const;
  /// Bytes that a value takes where it is: an offset's, if it is elsewhere.
  size_t inlineBytes(FlatType type) const;
  size_t alignment(FlatType type) const;
  /// Whether the field is the first half of a union or of a vector of them,
  /// which the tree keeps in the second.
  static bool saysAlternative(const reflection::Field &field);

  /// `buffer` has been verified.
  FlatPtr read(const uint8_t *buffer) const;
  /// Empty if that needs more than about `maxSize` bytes.
  std::string write(const FlatPtr &root, size_t maxSize) const;

private:
  const reflection::Schema &schema;
  std::vector<Fields> ofObject;
};

FlatType typeOf(const reflection::Type &type);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_FLATTREE_H
