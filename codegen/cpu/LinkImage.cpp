// A linker for what kernel code needs, which is little: sections of code and
// constants, and 32-bit distances between them.
#include "codegen/cpu/LinkImage.h"

#include "codegen/cpu/LowerToLlvm.h"

#include "runtime/abi.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;
using llvm::object::ELF64LEObjectFile;
using llvm::object::ELFSectionRef;
using llvm::object::ELFSymbolRef;
using llvm::object::RelocationRef;
using llvm::object::SectionRef;
using llvm::object::SymbolRef;

namespace {

/// Adds one object to an image.
class ObjectLinker {
public:
  ObjectLinker(const ELF64LEObjectFile &object, CodeImage &image,
               ArrayRef<std::pair<std::string, Location>> kernels, Location loc)
      : object(object), image(image), kernels(kernels), loc(loc) {}

  LogicalResult link();
  /// Adds the places of the object's symbols in the image.
  void addSymbols(llvm::StringMap<uint64_t> &offsets) const;

private:
  LogicalResult placeSections();
  LogicalResult relocateSection(SectionRef relocations);
  LogicalResult relocate(const RelocationRef &relocation, SectionRef target);

  /// The place of a symbol in the image, or none where it lies outside.
  std::optional<uint64_t> findSymbol(const SymbolRef &symbol) const;
  /// Where to report what is wrong at `offset` of the image: the kernel that
  /// lies there.
  Location locationAt(uint64_t offset) const;

  const ELF64LEObjectFile &object;
  CodeImage &image;
  ArrayRef<std::pair<std::string, Location>> kernels;
  Location loc;
  /// Section index to its place in the image.
  llvm::DenseMap<uint64_t, uint64_t> placeOfSection;
};

} // namespace

/// The value of an llvm::Expected that only a malformed object would fail, and
/// LLVM wrote the object just now.
template <typename T> static T take(llvm::Expected<T> value) {
  return llvm::cantFail(std::move(value));
}

static bool isLoaded(ELFSectionRef section) {
  // Unwind tables are for exceptions, which kernels do not throw.
  return (section.getFlags() & llvm::ELF::SHF_ALLOC) &&
         take(section.getName()) != ".eh_frame";
}

LogicalResult ObjectLinker::placeSections() {
  // Code first: the image then starts on executable bytes whichever constants
  // it has.
  for (bool wantCode : {true, false}) {
    for (ELFSectionRef section : object.sections()) {
      if (!isLoaded(section) || section.getSize() == 0 ||
          section.isText() != wantCode)
        continue;
      StringRef name = take(section.getName());
      if (section.getFlags() & llvm::ELF::SHF_WRITE)
        return emitError(loc) << "kernel code has writable data (section '"
                              << name << "'), expected code and constants only";
      uint64_t place =
          llvm::alignTo(image.bytes.size(), section.getAlignment());
      StringRef contents = take(section.getContents());
      image.bytes.resize(place);
      image.bytes.insert(image.bytes.end(), contents.begin(), contents.end());
      placeOfSection[section.getIndex()] = place;
    }
  }
  return success();
}

std::optional<uint64_t>
ObjectLinker::findSymbol(const SymbolRef &symbol) const {
  auto section = take(symbol.getSection());
  if (section == object.section_end())
    return std::nullopt;
  auto place = placeOfSection.find(section->getIndex());
  if (place == placeOfSection.end())
    return std::nullopt;
  // In a relocatable object a symbol's value is its offset in the section.
  return place->second + take(symbol.getValue());
}

Location ObjectLinker::locationAt(uint64_t offset) const {
  for (const ELFSymbolRef symbol : object.symbols()) {
    if (symbol.getELFType() != llvm::ELF::STT_FUNC)
      continue;
    std::optional<uint64_t> start = findSymbol(symbol);
    if (!start || offset < *start || offset >= *start + symbol.getSize())
      continue;
    StringRef name = take(symbol.getName());
    name.consume_back(kBodySuffix);
    for (const auto &[kernel, location] : kernels)
      if (kernel == name)
        return location;
  }
  return loc;
}

/// Whether the relocation is the distance from its own place to a symbol, in
/// 32 bits.
static bool isRelative(uint64_t type) {
  return type == llvm::ELF::R_X86_64_PC32 || type == llvm::ELF::R_X86_64_PLT32;
}

LogicalResult ObjectLinker::relocate(const RelocationRef &relocation,
                                     SectionRef target) {
  uint64_t place =
      placeOfSection.lookup(target.getIndex()) + relocation.getOffset();
  const SymbolRef symbol = *relocation.getSymbol();
  std::optional<uint64_t> address = findSymbol(symbol);
  if (!address)
    return emitError(locationAt(place))
           << "kernel code refers to '" << take(symbol.getName())
           << "', which is outside of it; expected code that needs no library";
  if (!isRelative(relocation.getType())) {
    SmallString<32> typeName;
    relocation.getTypeName(typeName);
    return emitError(locationAt(place))
           << "kernel code needs the relocation " << typeName
           << ", expected only distances within the image (R_X86_64_PC32)";
  }
  int64_t addend = take(llvm::object::ELFRelocationRef(relocation).getAddend());
  int64_t distance =
      static_cast<int64_t>(*address) + addend - static_cast<int64_t>(place);
  assert(llvm::isInt<32>(distance) && "an image is far smaller than 2 GiB");
  llvm::support::endian::write32le(&image.bytes[place],
                                   static_cast<uint32_t>(distance));
  return success();
}

LogicalResult ObjectLinker::relocateSection(SectionRef relocations) {
  auto target = take(relocations.getRelocatedSection());
  if (target == object.section_end() ||
      !placeOfSection.contains(target->getIndex()))
    return success();
  for (const RelocationRef &relocation : relocations.relocations())
    if (failed(relocate(relocation, *target)))
      return failure();
  return success();
}

void ObjectLinker::addSymbols(llvm::StringMap<uint64_t> &offsets) const {
  for (const SymbolRef &symbol : object.symbols())
    if (std::optional<uint64_t> offset = findSymbol(symbol))
      offsets[take(symbol.getName())] = *offset;
}

LogicalResult ObjectLinker::link() {
  if (failed(placeSections()))
    return failure();
  for (SectionRef section : object.sections())
    if (failed(relocateSection(section)))
      return failure();
  return success();
}

FailureOr<CodeImage>
nnc::linkImage(ArrayRef<llvm::SmallVector<char, 0>> objects,
               ArrayRef<std::pair<std::string, Location>> kernels,
               Location loc) {
  CodeImage image;
  llvm::StringMap<uint64_t> offsets;
  for (const llvm::SmallVector<char, 0> &object : objects) {
    llvm::MemoryBufferRef buffer(StringRef(object.data(), object.size()),
                                 "kernels");
    auto file = take(ELF64LEObjectFile::create(buffer));
    ObjectLinker linker(file, image, kernels, loc);
    if (failed(linker.link()))
      return failure();
    linker.addSymbols(offsets);
  }
  for (const auto &[name, location] : kernels) {
    auto found = offsets.find(name);
    if (found == offsets.end())
      return emitError(location)
             << "a fault of the compiler: no code was made of '" << name << "'";
    image.kernels.push_back({name, found->second});
  }
  return image;
}
