// Changes one place of a tree that FlatTree reads and writes.
#include "test/fuzz/FlatMutator.h"

#include "test/fuzz/Choices.h"
#include "test/fuzz/Require.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace nnc::fuzz {

namespace {

/// A field of a table or struct, an element of a vector, or what a union has.
struct Place {
  FlatNode *owner;
  size_t index;
  /// Of what is or could be there.
  FlatType type;
  bool isRequired;

  FlatPtr &value() const { return owner->children[index]; }
};

/// All the places of a tree, by the field of the schema that they belong to: a
/// field that is there a thousand times weighs as much as one that is there
/// once.
class Places {
public:
  Places(const FlatSchema &schema, FlatNode &root) : schema(schema) {
    visit(root, {-1, 0});
  }

  bool isEmpty() const { return byField.empty(); }
  const Place &choose(Choices &choices) const {
    auto field = byField.begin();
    std::advance(field, choices.below(byField.size()));
    return choices.of(field->second);
  }
  /// A value of that type from anywhere, or null.
  FlatPtr donor(FlatType type, Choices &choices) const {
    auto found = donors.find(type);
    return found == donors.end() ? nullptr : choices.of(found->second);
  }

private:
  using Field = std::pair<int32_t, size_t>;
  void visit(FlatNode &node, Field of);
  void add(FlatNode &owner, size_t index, FlatType type, bool isRequired,
           Field field);

  const FlatSchema &schema;
  std::map<Field, std::vector<Place>> byField;
  std::map<FlatType, std::vector<FlatPtr>> donors;
  std::set<const FlatNode *> visited;
};

class Mutation {
public:
  Mutation(const FlatSchema &schema, const Places &places, Choices &choices,
           size_t maxSize)
      : schema(schema), places(places), choices(choices), maxSize(maxSize) {}

  void apply(const Place &place);

private:
  FlatPtr make(FlatType type, unsigned depth = 0);
  FlatPtr makeTable(FlatType type, unsigned depth);
  void changeScalar(FlatNode &node);
  void changeVector(FlatNode &node);
  void repeatElement(FlatNode &vector);
  void changeUnion(FlatNode &node);

  const FlatSchema &schema;
  const Places &places;
  Choices &choices;
  const size_t maxSize;
};

} // namespace

/// A copy that shares nothing with `node`, but inside what `node` shares.
static FlatPtr clone(const FlatPtr &node,
                     std::map<const FlatNode *, FlatPtr> &known) {
  if (!node)
    return nullptr;
  FlatPtr &copy = known[node.get()];
  if (copy)
    return copy;
  copy = std::make_shared<FlatNode>(*node);
  for (FlatPtr &child : copy->children)
    child = clone(child, known);
  return copy;
}

static FlatPtr clone(const FlatPtr &node) {
  std::map<const FlatNode *, FlatPtr> known;
  return clone(node, known);
}

void Places::add(FlatNode &owner, size_t index, FlatType type, bool isRequired,
                 Field field) {
  byField[field].push_back({&owner, index, type, isRequired});
  if (const FlatPtr &child = owner.children[index]) {
    donors[type].push_back(child);
    visit(*child, field);
  }
}

void Places::visit(FlatNode &node, Field of) {
  if (!visited.insert(&node).second)
    return;
  if (node.type.base == reflection::Obj) {
    const FlatSchema::Fields &fields = schema.fields(node.type.index);
    const bool isStruct = schema.isStruct(node.type);
    for (size_t id = 0; id < fields.size(); ++id)
      if (!FlatSchema::saysAlternative(*fields[id]))
        add(node, id, typeOf(*fields[id]->type()),
            isStruct || fields[id]->required(), {node.type.index, id});
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i)
    add(node, i, node.children[i]->type, true, of);
}

//===----------------------------------------------------------------------===//
// One change
//===----------------------------------------------------------------------===//

template <typename T> static T valueOf(const std::string &bytes) {
  T value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

template <typename T> static void setValue(std::string &bytes, T value) {
  std::memcpy(bytes.data(), &value, std::min(bytes.size(), sizeof value));
}

void Mutation::changeScalar(FlatNode &node) {
  if (node.type.base == reflection::Bool)
    setValue<uint8_t>(node.bytes, !node.bytes[0]);
  else if (node.type.base == reflection::Double)
    setValue(node.bytes, choices.real(valueOf<double>(node.bytes)));
  else if (choices.oneIn(4))
    setValue(node.bytes,
             valueOf<int64_t>(places.donor(node.type, choices)->bytes));
  else
    setValue(node.bytes, choices.integer(valueOf<int64_t>(node.bytes)));
}

/// Many elements that are one, which takes four bytes each: what a reader makes
/// of them may be far larger than the buffer.
void Mutation::repeatElement(FlatNode &vector) {
  FlatPtr element = clone(choices.of(vector.children));
  if (element->type.base == reflection::String && choices.oneIn(4))
    element->bytes.assign(choices.below(maxSize / 2 + 1), 'a');
  for (size_t i = choices.count(maxSize / 8); i > 0; --i)
    vector.children.push_back(element);
}

void Mutation::changeVector(FlatNode &node) {
  std::vector<FlatPtr> &elements = node.children;
  const size_t at = choices.below(elements.size() + 1);
  const size_t change = elements.empty() ? 0 : choices.below(7);
  switch (change) {
  case 0:
    elements.insert(elements.begin() + at, make(node.type.ofElement()));
    return;
  case 1:
    elements.insert(elements.begin() + at, clone(choices.of(elements)));
    return;
  case 2:
    elements.erase(elements.begin() + choices.below(elements.size()));
    return;
  case 3:
    std::swap(elements[choices.below(elements.size())],
              elements[choices.below(elements.size())]);
    return;
  case 4:
    elements.resize(at);
    return;
  case 5:
    std::rotate(elements.begin(), elements.begin() + 1, elements.end());
    return;
  default:
    repeatElement(node);
  }
}

/// Another alternative, or one that the schema does not know.
void Mutation::changeUnion(FlatNode &node) {
  if (choices.oneIn(8))
    node.alternative = uint8_t(choices.integer(node.alternative));
  else
    node = *make(node.type);
}

void Mutation::apply(const Place &place) {
  FlatPtr &value = place.value();
  if (!value) {
    value = make(place.type);
    return;
  }
  if (!place.isRequired && choices.oneIn(4)) {
    value = nullptr;
    return;
  }
  if (choices.oneIn(4)) {
    value = clone(places.donor(place.type, choices));
    return;
  }
  // What is shared changes here alone.
  value = std::make_shared<FlatNode>(*value);
  if (place.type.isBytes())
    value->bytes = place.type.base == reflection::String
                       ? choices.text(value->bytes, maxSize / 2)
                       : choices.bytes(value->bytes, value->bytes.size() + 64);
  else if (place.type.base == reflection::Vector)
    changeVector(*value);
  else if (place.type.base == reflection::Union)
    changeUnion(*value);
  else if (place.type.base == reflection::Obj)
    value = make(place.type);
  else
    changeScalar(*value);
}

FlatPtr Mutation::make(FlatType type, unsigned depth) {
  if (FlatPtr donor = places.donor(type, choices); donor && !choices.oneIn(4))
    return clone(donor);
  auto node = std::make_shared<FlatNode>();
  node->type = type;
  if (type.base == reflection::Obj)
    return makeTable(type, depth);
  if (type.base == reflection::Union) {
    // Nothing is the first of the alternatives.
    uint8_t which = 1;
    while (schema.alternative(type, which + 1).base == reflection::Obj &&
           choices.below(8))
      ++which;
    node->alternative = which;
    node->children.push_back(make(schema.alternative(type, which), depth + 1));
  } else if (type.isBytes()) {
    node->bytes = choices.text("x", maxSize / 2);
  } else if (type.base < reflection::String) {
    node->bytes.assign(schema.inlineBytes(type), '\0');
    node->bytes[0] = char(choices.below(3));
  }
  return node;
}

/// What is required, and a few of the other fields.
FlatPtr Mutation::makeTable(FlatType type, unsigned depth) {
  constexpr unsigned deepest = 4;
  auto node = std::make_shared<FlatNode>();
  node->type = type;
  for (const reflection::Field *field : schema.fields(type.index)) {
    bool isMade = schema.isStruct(type) || field->required() ||
                  (depth < deepest && choices.oneIn(3));
    node->children.push_back(isMade && !FlatSchema::saysAlternative(*field)
                                 ? make(typeOf(*field->type()), depth + 1)
                                 : nullptr);
  }
  return node;
}

//===----------------------------------------------------------------------===//
// Calls of libFuzzer
//===----------------------------------------------------------------------===//

bool FlatMutator::isValid(const uint8_t *data, size_t size) const {
  flatbuffers::Verifier verifier(data, size);
  return size >= 8 && verify(verifier);
}

void FlatMutator::checkRoundTrip(const FlatPtr &tree, size_t size) const {
  std::string first = schema.write(tree, SIZE_MAX);
  const auto *bytes = reinterpret_cast<const uint8_t *>(first.data());
  require(isValid(bytes, first.size()), "a tree is written as a valid buffer",
          std::to_string(size) + " bytes");
  require(schema.write(schema.read(bytes), SIZE_MAX) == first,
          "a buffer is the same after a tree");
}

static size_t put(const std::string &bytes, uint8_t *out) {
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

size_t FlatMutator::mutate(uint8_t *data, size_t size, size_t maxSize,
                           unsigned seed) const {
  Choices choices(seed);
  if (choices.oneIn(16) || !isValid(data, size))
    return LLVMFuzzerMutate(data, size, maxSize);
  FlatPtr tree = schema.read(data);
  if (choices.oneIn(256))
    checkRoundTrip(tree, size);
  do {
    Places places(schema, *tree);
    if (places.isEmpty())
      break;
    Mutation(schema, places, choices, maxSize).apply(places.choose(choices));
  } while (choices.oneIn(3));
  std::string bytes = schema.write(tree, maxSize);
  if (bytes.empty() || bytes.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  return put(bytes, data);
}

size_t FlatMutator::cross(const uint8_t *data1, size_t size1,
                          const uint8_t *data2, size_t size2, uint8_t *out,
                          size_t maxOutSize, unsigned seed) const {
  if (!isValid(data1, size1) || !isValid(data2, size2))
    return 0;
  Choices choices(seed);
  FlatPtr tree = schema.read(data1), other = schema.read(data2);
  Places places(schema, *tree), donors(schema, *other);
  if (places.isEmpty())
    return 0;
  const Place &place = places.choose(choices);
  FlatPtr donor = donors.donor(place.type, choices);
  if (!donor)
    return 0;
  place.value() = clone(donor);
  std::string bytes = schema.write(tree, maxOutSize);
  return bytes.size() > maxOutSize ? 0 : put(bytes, out);
}

} // namespace nnc::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  return nnc::fuzz::flatMutator().mutate(data, size, maxSize, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1,
                                            const uint8_t *data2, size_t size2,
                                            uint8_t *out, size_t maxOutSize,
                                            unsigned seed) {
  return nnc::fuzz::flatMutator().cross(data1, size1, data2, size2, out,
                                        maxOutSize, seed);
}
