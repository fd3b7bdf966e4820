// Reads and writes buffers by their schema's reflection.
#include "test/fuzz/FlatTree.h"

#include <map>

namespace nnc::fuzz {

using namespace flatbuffers;
using reflection::Field;

FlatType typeOf(const reflection::Type &type) {
  return {type.base_type(), type.element(), type.index()};
}

FlatSchema::FlatSchema(const uint8_t *binary)
    : schema(*reflection::GetSchema(binary)) {
  for (const reflection::Object *object : *schema.objects()) {
    Fields &fields = ofObject.emplace_back(object->fields()->size());
    for (const Field *field : *object->fields())
      fields[field->id()] = field;
  }
}

FlatType FlatSchema::alternative(FlatType unionType, uint8_t which) const {
  for (const auto *value : *schema.enums()->Get(unionType.index)->values())
    if (value->value() == which)
      return typeOf(*value->union_type());
  return {};
}

size_t FlatSchema::inlineBytes(FlatType type) const {
  static const size_t scalarBytes[] = {0, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
  if (type.base < std::size(scalarBytes))
    return scalarBytes[type.base];
  return isStruct(type) ? object(type.index).bytesize() : sizeof(uoffset_t);
}

size_t FlatSchema::alignment(FlatType type) const {
  return isStruct(type) ? object(type.index).minalign() : inlineBytes(type);
}

bool FlatSchema::saysAlternative(const Field &field) {
  return field.type()->base_type() == reflection::UType ||
         field.type()->element() == reflection::UType;
}

static bool isUnion(FlatType type) {
  return type.base == reflection::Union || type.element == reflection::Union;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
class TreeReader {
public:
  explicit TreeReader(const FlatSchema &schema) : schema(schema) {}

  FlatPtr table(FlatType type, const Table *from);

private:
  FlatPtr value(FlatType type, const uint8_t *at);
  FlatPtr outOfLine(FlatType type, const uint8_t *at);
  FlatPtr field(const Table *from, const FlatSchema::Fields &fields, size_t id);
  FlatPtr alternative(FlatType type, uint8_t which, const void *at);
  FlatPtr alternatives(FlatType type, const Vector<uint8_t> *which,
                       const Vector<Offset<void>> *values);

  const FlatSchema &schema;
  std::map<std::pair<const void *, FlatType>, FlatPtr> known;
};
} // namespace

static FlatPtr makeNode(FlatType type) {
  auto node = std::make_shared<FlatNode>();
  node->type = type;
  return node;
}

FlatPtr TreeReader::value(FlatType type, const uint8_t *at) {
  if (schema.isStruct(type)) {
    FlatPtr node = makeNode(type);
    for (const Field *member : schema.fields(type.index))
      node->children.push_back(
          value(typeOf(*member->type()), at + member->offset()));
    return node;
  }
  if (type.base < reflection::String) {
    FlatPtr node = makeNode(type);
    node->bytes.assign(reinterpret_cast<const char *>(at),
                       schema.inlineBytes(type));
    return node;
  }
  return outOfLine(type, at + ReadScalar<uoffset_t>(at));
}

FlatPtr TreeReader::outOfLine(FlatType type, const uint8_t *at) {
  if (type.base == reflection::Obj)
    return table(type, reinterpret_cast<const Table *>(at));
  FlatPtr &node = known[{at, type}];
  if (node)
    return node;
  node = makeNode(type);
  const size_t count = ReadScalar<uoffset_t>(at);
  const uint8_t *first = at + sizeof(uoffset_t);
  if (type.isBytes()) {
    node->bytes.assign(reinterpret_cast<const char *>(first), count);
    return node;
  }
  const size_t step = schema.inlineBytes(type.ofElement());
  for (size_t i = 0; i < count; ++i)
    node->children.push_back(value(type.ofElement(), first + i * step));
  return node;
}

FlatPtr TreeReader::table(FlatType type, const Table *from) {
  FlatPtr &node = known[{from, type}];
  if (node)
    return node;
  node = makeNode(type);
  const FlatSchema::Fields &fields = schema.fields(type.index);
  for (size_t id = 0; id < fields.size(); ++id)
    node->children.push_back(field(from, fields, id));
  return node;
}

FlatPtr TreeReader::field(const Table *from, const FlatSchema::Fields &fields,
                          size_t id) {
  const Field &field = *fields[id];
  const FlatType type = typeOf(*field.type());
  if (FlatSchema::saysAlternative(field) ||
      !from->GetOptionalFieldOffset(field.offset()))
    return nullptr;
  if (!isUnion(type))
    return value(type, from->GetAddressOf(field.offset()));
  const voffset_t which = fields[id - 1]->offset();
  if (type.base == reflection::Union)
    return alternative(type, from->GetField<uint8_t>(which, 0),
                       from->GetPointer<const void *>(field.offset()));
  return alternatives(
      type, from->GetPointer<const Vector<uint8_t> *>(which),
      from->GetPointer<const Vector<Offset<void>> *>(field.offset()));
}

/// Null for one that the schema does not know: nothing says what is there.
FlatPtr TreeReader::alternative(FlatType type, uint8_t which, const void *at) {
  FlatType chosen = schema.alternative(type, which);
  if (chosen.base != reflection::Obj)
    return nullptr;
  FlatPtr node = makeNode(type);
  node->alternative = which;
  node->children.push_back(table(chosen, static_cast<const Table *>(at)));
  return node;
}

FlatPtr TreeReader::alternatives(FlatType type, const Vector<uint8_t> *which,
                                 const Vector<Offset<void>> *values) {
  FlatPtr node = makeNode(type);
  for (size_t i = 0; which && i < values->size() && i < which->size(); ++i)
    if (FlatPtr value =
            alternative(type.ofElement(), which->Get(i), values->Get(i)))
      node->children.push_back(value);
  return node;
}

FlatPtr FlatSchema::read(const uint8_t *buffer) const {
  const std::string &root = schema.root_table()->name()->str();
  for (int32_t i = 0; i < int32_t(ofObject.size()); ++i)
    if (object(i).name()->str() == root)
      return TreeReader(*this).table({reflection::Obj, reflection::None, i},
                                     GetRoot<Table>(buffer));
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
class TreeWriter {
public:
  TreeWriter(const FlatSchema &schema, size_t maxSize)
      : schema(schema), maxSize(maxSize) {}

  std::string write(const FlatPtr &root, const char *identifier);

private:
  uoffset_t outOfLine(const FlatNode &node);
  uoffset_t vector(const FlatNode &node);
  uoffset_t table(const FlatNode &node);
  uoffset_t says(const FlatNode &vector);
  void addField(const Field &field, const FlatNode &node);
  std::string inlineValue(const FlatNode &node);

  const FlatSchema &schema;
  const size_t maxSize;
  FlatBufferBuilder builder;
  std::map<const FlatNode *, uoffset_t> written;
};
} // namespace

std::string TreeWriter::write(const FlatPtr &root, const char *identifier) {
  // An absent field is told from one that has the default.
  builder.ForceDefaults(true);
  uoffset_t at = outOfLine(*root);
  if (builder.GetSize() > maxSize)
    return {};
  builder.Finish(Offset<void>(at), identifier);
  return {reinterpret_cast<const char *>(builder.GetBufferPointer()),
          builder.GetSize()};
}

/// A scalar or a struct as it lies in memory.
std::string TreeWriter::inlineValue(const FlatNode &node) {
  if (node.type.base != reflection::Obj)
    return node.bytes;
  std::string bytes(schema.inlineBytes(node.type), '\0');
  const FlatSchema::Fields &fields = schema.fields(node.type.index);
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string member = inlineValue(*node.children[i]);
    bytes.replace(fields[i]->offset(), member.size(), member);
  }
  return bytes;
}

uoffset_t TreeWriter::outOfLine(const FlatNode &node) {
  if (node.type.base == reflection::Union)
    return outOfLine(*node.children[0]);
  if (auto found = written.find(&node); found != written.end())
    return found->second;
  // What is too large ends soon: all that follows is written as empty.
  if (builder.GetSize() > maxSize)
    return builder.CreateString("").o;
  uoffset_t at = node.type.base == reflection::String
                     ? builder.CreateString(node.bytes).o
                 : node.type.base == reflection::Vector ? vector(node)
                                                        : table(node);
  written[&node] = at;
  return at;
}

uoffset_t TreeWriter::vector(const FlatNode &node) {
  if (node.type.isBytes())
    return builder
        .CreateVector(reinterpret_cast<const uint8_t *>(node.bytes.data()),
                      node.bytes.size())
        .o;
  const FlatType element = node.type.ofElement();
  const size_t count = node.children.size();
  if (element.base < reflection::String || schema.isStruct(element)) {
    std::string all;
    for (const FlatPtr &child : node.children)
      all += inlineValue(*child);
    builder.StartVector(all.size() / schema.alignment(element),
                        schema.alignment(element));
    builder.PushBytes(reinterpret_cast<const uint8_t *>(all.data()),
                      all.size());
    return builder.EndVector(count);
  }
  std::vector<uoffset_t> offsets;
  for (const FlatPtr &child : node.children)
    offsets.push_back(outOfLine(*child));
  builder.StartVector(count, sizeof(uoffset_t));
  for (size_t i = count; i > 0; --i)
    builder.PushElement(Offset<void>(offsets[i - 1]));
  return builder.EndVector(count);
}

/// The alternatives of a vector of unions, which go before it.
uoffset_t TreeWriter::says(const FlatNode &vector) {
  std::vector<uint8_t> which;
  for (const FlatPtr &child : vector.children)
    which.push_back(child->alternative);
  return builder.CreateVector(which).o;
}

uoffset_t TreeWriter::table(const FlatNode &node) {
  const FlatSchema::Fields &fields = schema.fields(node.type.index);
  std::map<size_t, uoffset_t> offsets;
  for (size_t id = 0; id < fields.size(); ++id) {
    if (!node.children[id])
      continue;
    const FlatNode &child = *node.children[id];
    if (child.type.base < reflection::String || schema.isStruct(child.type))
      continue;
    offsets[id] = outOfLine(child);
    if (child.type.element == reflection::Union)
      offsets[id - 1] = says(child);
  }
  uoffset_t start = builder.StartTable();
  for (size_t id = 0; id < fields.size(); ++id)
    if (auto found = offsets.find(id); found != offsets.end())
      builder.AddOffset(fields[id]->offset(), Offset<void>(found->second));
    else if (node.children[id])
      addField(*fields[id], *node.children[id]);
  for (size_t id = 1; id < fields.size(); ++id)
    if (node.children[id] && node.children[id]->type.base == reflection::Union)
      builder.AddElement<uint8_t>(fields[id - 1]->offset(),
                                  node.children[id]->alternative);
  return builder.EndTable(start);
}

/// A scalar or a struct.
void TreeWriter::addField(const Field &field, const FlatNode &node) {
  std::string bytes = inlineValue(node);
  builder.Align(schema.alignment(node.type));
  builder.PushBytes(reinterpret_cast<const uint8_t *>(bytes.data()),
                    bytes.size());
  builder.TrackField(field.offset(), builder.GetSize());
}

std::string FlatSchema::write(const FlatPtr &root, size_t maxSize) const {
  return TreeWriter(*this, maxSize).write(root, schema.file_ident()->c_str());
}

} // namespace nnc::fuzz
